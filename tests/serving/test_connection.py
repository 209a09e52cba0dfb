"""What the client library does when a server is away, overloaded or slow, and how it makes itself known."""

import contextlib
import hashlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest

from framing.errors import ConfigError, ModelUnavailable, Overloaded
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.client import FramingClient, main
from serving.connection import CallError, Security
from serving.server import FramingServer
from serving.settings import Settings
from serving.status import grpc_code, to_status, trailing_metadata
from tests.certificates import Authority
from tests.running import running_server
from tests.waiting import eventually

TEXT = "Russia and Iran signed a treaty in Moscow."
ARTICLE = pb.Article(text=TEXT)
Behaviour = Callable[[Any], pb.ClassifyArticleResponse]


class Scripted(pb_grpc.ClassificationServiceServicer):
    """Does for each call the next thing in `script`."""

    def __init__(self) -> None:
        self.script: list[Behaviour] = []
        self.calls = 0

    def ClassifyArticle(self, request: pb.ClassifyArticleRequest, context: Any) -> pb.ClassifyArticleResponse:  # noqa: N802, ARG002
        self.calls += 1
        return self.script[self.calls - 1](context)


def answer(context: Any) -> pb.ClassifyArticleResponse:
    return pb.ClassifyArticleResponse(classification=pb.Classification(language="en"))


def fail(error: Exception) -> Behaviour:
    def behave(context: Any) -> pb.ClassifyArticleResponse:
        status = to_status(error)
        context.set_trailing_metadata(trailing_metadata(status))
        context.abort(grpc_code(status), status.message)
        raise AssertionError

    return behave


@contextlib.contextmanager
def serving_script(address: str, *script: Behaviour) -> Iterator[tuple[Scripted, str]]:
    server, service = grpc.server(futures.ThreadPoolExecutor(4)), Scripted()
    service.script = list(script)
    pb_grpc.add_ClassificationServiceServicer_to_server(service, server)
    port = server.add_insecure_port(address)
    server.start()
    yield service, f"127.0.0.1:{port}"
    server.stop(0).wait(10)


@pytest.fixture
def scripted() -> Iterator[tuple[Scripted, str]]:
    with serving_script("127.0.0.1:0") as serving:
        yield serving


def test_a_call_that_was_not_taken_is_tried_again(scripted: tuple[Scripted, str]) -> None:
    service, address = scripted
    service.script = [fail(ModelUnavailable("no model")), fail(ModelUnavailable("no model")), answer]
    with FramingClient(address) as client:
        assert client.classify(ARTICLE).classification.language == "en"
    assert service.calls == 3


def test_a_connection_that_a_dying_worker_breaks_off_costs_no_call() -> None:
    with socket.create_server(("127.0.0.1", 0)) as dying:
        address = f"127.0.0.1:{dying.getsockname()[1]}"
        with FramingClient(address, timeout=60) as client, futures.ThreadPoolExecutor() as pool:
            call = pool.submit(client.classify, ARTICLE)
            connection, _ = dying.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, no farewell
            dying.close()
            connection.close()
            with serving_script(address, answer):
                assert call.result().classification.language == "en"


def test_overload_is_waited_out_as_the_server_says(scripted: tuple[Scripted, str]) -> None:
    service, address = scripted
    service.script = [fail(Overloaded("busy", 0.2)), answer, fail(Overloaded("busy", 30.0))]
    with FramingClient(address, timeout=25) as client:
        begin = time.monotonic()
        assert client.classify(ARTICLE).classification.language == "en"
        assert time.monotonic() - begin >= 0.2
        with pytest.raises(CallError) as caught:
            client.classify(ARTICLE)
    assert (caught.value.reason, caught.value.retry_seconds) == ("OVERLOADED", 30.0)
    assert service.calls == 3


def test_a_slow_call_is_sent_twice_and_the_first_answer_counts(scripted: tuple[Scripted, str]) -> None:
    service, address = scripted
    cancelled = threading.Event()

    def hang(context: Any) -> pb.ClassifyArticleResponse:
        context.add_callback(cancelled.set)
        cancelled.wait(20)
        return answer(context)

    service.script = [hang, answer, answer]
    with FramingClient(address, timeout=20, hedge_seconds=0.1) as client:
        assert client.classify(ARTICLE).classification.language == "en"
        assert cancelled.wait(20)
    assert service.calls == 2
    with FramingClient(address, timeout=20, hedge_seconds=10) as client:
        assert client.classify(ARTICLE).classification.language == "en"
    assert service.calls == 3


def test_a_hedge_fails_only_if_both_calls_do(scripted: tuple[Scripted, str]) -> None:
    service, address = scripted
    begun = threading.Event()

    def fail_when_the_second_has_begun(context: Any) -> pb.ClassifyArticleResponse:
        begun.wait(10)
        return fail(ZeroDivisionError())(context)

    def begin(context: Any) -> pb.ClassifyArticleResponse:
        begun.set()
        time.sleep(0.2)
        return answer(context)

    service.script = [fail_when_the_second_has_begun, begin, *[fail(ZeroDivisionError())] * 2]
    with FramingClient(address, hedge_seconds=0.05) as client:
        assert client.classify(ARTICLE).classification.language == "en"
        with pytest.raises(CallError, match="INTERNAL"):
            client.classify(ARTICLE)


@pytest.fixture(scope="module")
def server(bundle: Path) -> Iterator[FramingServer]:
    with running_server(Settings(address="127.0.0.1:0", bundle=str(bundle))) as running:
        yield running


@pytest.fixture
def client(server: FramingServer) -> Iterator[FramingClient]:
    with FramingClient(f"127.0.0.1:{server.port}") as open_client:
        yield open_client


def test_many_articles_are_answered_in_order(client: FramingClient) -> None:
    articles = [pb.Article(text=f"{TEXT} {number}", language=("en", "ru")[number % 2]) for number in range(130)]
    answers = list(client.classify_many(iter(articles)))
    assert [answer.language for answer in answers] == ["en", "ru"] * 65
    assert list(client.classify_many([])) == []


def test_a_bad_one_among_many_is_named_by_its_place(client: FramingClient) -> None:
    articles = [ARTICLE] * 100 + [pb.Article(text=" ")]
    with pytest.raises(CallError) as caught:
        list(client.classify_many(articles))
    assert (caught.value.reason, caught.value.field) == ("TEXT_EMPTY", "articles[100].text")
    assert "articles[100].text" in str(caught.value)


def test_a_stream_gives_answers_and_errors_in_order(client: FramingClient) -> None:
    first, second, third = client.stream([ARTICLE, pb.Article(text=" "), ARTICLE])
    assert first == third
    assert isinstance(first, pb.Classification)
    assert isinstance(second, CallError)
    assert second.reason == "TEXT_EMPTY"


def test_a_stream_that_is_left_early_ends(server: FramingServer, client: FramingClient) -> None:
    def endless() -> Iterator[pb.Article]:
        while True:
            yield ARTICLE

    answers = client.stream(endless())
    assert isinstance(next(answers), pb.Classification)
    answers.close()  # type: ignore[attr-defined]  # a generator
    eventually(lambda: server.service.calls._streams == 0)


def test_a_token_is_never_sent_in_plain_beyond_this_machine() -> None:
    with pytest.raises(ConfigError, match="expected TLS"):
        FramingClient("example.org:1", security=Security(token="secret"))  # noqa: S106


def test_the_command_line_speaks_mutual_tls_and_sends_its_token(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = Authority("ours")
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    certificate, key = authority.identity("both").write(tmp_path)
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "tokens").write_text(f"me {hashlib.sha256(b'secret').hexdigest()} *\n")
    settings = Settings(
        address="127.0.0.1:0", bundle=str(bundle), tls_certificate=str(certificate), tls_key=str(key),
        tls_client_ca=str(tmp_path / "ca.pem"), tokens=str(tmp_path / "tokens"),
    )  # fmt: skip
    with running_server(settings) as server:
        files = {"--ca": "ca.pem", "--certificate": "cert.pem", "--key": "key.pem", "--token-file": "token"}
        arguments = [word for flag, name in files.items() for word in (flag, str(tmp_path / name))]
        with pytest.raises(SystemExit) as caught:
            main(["--address", f"localhost:{server.port}", *arguments, "info"])
        assert caught.value.code == 0
        assert "taxonomyVersion" in capsys.readouterr().out
        with pytest.raises(SystemExit) as caught:
            main(["--address", f"localhost:{server.port}", *arguments[:-2], "info"])
        assert caught.value.code == 1
        assert "UNAUTHENTICATED CREDENTIALS_MISSING" in capsys.readouterr().err
