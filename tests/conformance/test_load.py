"""Deadlines, cancellation and overload through a real port; and nothing of the text in any log."""

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.connection import CallError, call_error
from serving.server import FramingServer
from serving.settings import Settings
from serving.status import DETAILS_KEY
from tests.fuzzing import MESSAGES
from tests.running import running_server
from tests.waiting import eventually

CANARY = "zqxcanary"
ARTICLE = pb.Article(text="The presidents of Russia and Iran signed a treaty in Moscow. " * 40)
REQUEST = pb.ClassifyArticleRequest(article=ARTICLE)
PLACES = 4


@pytest.fixture
def server(bundle: Path) -> Iterator[FramingServer]:
    settings = Settings(address="127.0.0.1:0", bundle=str(bundle), max_waiting=PLACES, max_stream=5, max_streams=2)
    with running_server(settings) as running:
        yield running


@pytest.fixture
def channel(server: FramingServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}", [("grpc.enable_retries", 0)]) as channel:
        yield channel


@pytest.fixture
def stub(channel: grpc.Channel) -> pb_grpc.ClassificationServiceStub:
    return pb_grpc.ClassificationServiceStub(channel)


def failure(call: Any) -> CallError:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return call_error(caught.value)


def test_work_that_cannot_be_done_in_time_is_refused(
    server: FramingServer, stub: pb_grpc.ClassificationServiceStub
) -> None:
    server.service.calls.admission.learn(0.1)  # as if a byte took a tenth of a second
    error = failure(lambda: stub.ClassifyArticle(REQUEST, timeout=60))
    assert (error.code, error.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_TOO_SHORT")
    stream = pb.StreamClassifyArticlesRequest(article=ARTICLE)
    error = failure(lambda: list(stub.StreamClassifyArticles(iter([stream]), timeout=60)))
    assert (error.code, error.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_TOO_SHORT")
    assert stub.ClassifyArticle(REQUEST).classification.framings


def test_a_batch_that_is_cancelled_stops(
    server: FramingServer, stub: pb_grpc.ClassificationServiceStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, begun, cancelled = server.service.model(), threading.Event(), threading.Event()
    count = 0
    classify = model.classify

    def slowly(*arguments: Any, **named: Any) -> Any:
        nonlocal count
        count += 1
        begun.set()
        cancelled.wait(20)
        time.sleep(0.02)
        return classify(*arguments, **named)

    monkeypatch.setattr(model, "classify", slowly)
    future = stub.BatchClassifyArticles.future(pb.BatchClassifyArticlesRequest(articles=[ARTICLE] * 200))
    assert begun.wait(20)
    future.cancel()
    cancelled.set()
    eventually(lambda: server.service.calls.admission.waiting == 0)
    assert 0 < count < 200
    with pytest.raises(grpc.RpcError) as caught:  # and so does one whose deadline has come
        stub.BatchClassifyArticles(pb.BatchClassifyArticlesRequest(articles=[ARTICLE] * 200), timeout=0.3)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    eventually(lambda: server.service.calls.admission.waiting == 0)
    assert count < 400


def test_overload_says_when_to_come_back_while_health_answers(
    server: FramingServer, channel: grpc.Channel, stub: pb_grpc.ClassificationServiceStub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    model = server.service.model()
    classify = model.classify
    monkeypatch.setattr(model, "classify", lambda *a, **n: (time.sleep(0.02), classify(*a, **n))[1])
    calls = [stub.ClassifyArticle.future(REQUEST, timeout=30) for _ in range(20 * PLACES)]
    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert channel.unary_unary("/inference.GRPCInferenceService/ServerReady")(b"", timeout=5) == b"\x08\x01"
    codes = [call.code() for call in calls]
    assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert codes.count(grpc.StatusCode.OK) >= PLACES
    refused = next(call for call in calls if call.code() != grpc.StatusCode.OK)
    status = status_pb2.Status.FromString(dict(refused.trailing_metadata())[DETAILS_KEY])
    retry, info = error_details_pb2.RetryInfo(), error_details_pb2.ErrorInfo()
    assert [detail.Unpack(info) or detail.Unpack(retry) for detail in status.details]
    assert info.reason == "OVERLOADED"
    assert Duration(nanos=1).ToNanoseconds() < retry.retry_delay.ToNanoseconds() < 30e9


def test_a_long_text_keeps_nobody_waiting(
    server: FramingServer, channel: grpc.Channel, stub: pb_grpc.ClassificationServiceStub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    model, begun, goes_on = server.service.model(), threading.Event(), threading.Event()
    classify = model.classify

    def long_one_waits(article: Any, **named: Any) -> Any:
        if len(article.text) == 100_000:
            begun.set()
            assert goes_on.wait(60)
        return classify(article, **named)

    monkeypatch.setattr(model, "classify", long_one_waits)
    long = stub.ClassifyArticle.future(pb.ClassifyArticleRequest(article=pb.Article(text="a\n" * 50_000)))
    assert begun.wait(60)
    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert stub.ClassifyArticle(REQUEST, timeout=60).classification.framings
    assert not long.done()
    goes_on.set()
    assert long.result().classification.framings


def test_streams_have_a_length_and_a_number(server: FramingServer, stub: pb_grpc.ClassificationServiceStub) -> None:
    one = pb.StreamClassifyArticlesRequest(article=ARTICLE)
    answers = stub.StreamClassifyArticles(iter([one] * 6))
    assert [next(answers).WhichOneof("result") for _ in range(5)] == ["classification"] * 5
    error = failure(lambda: next(answers))
    assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "STREAM_TOO_LONG")

    done = threading.Event()
    silent = [stub.StreamClassifyArticles(_nothing_until(done)) for _ in range(2)]
    eventually(lambda: server.service.calls._streams == 2)
    error = failure(lambda: list(stub.StreamClassifyArticles(iter([one]))))
    assert (error.code, error.reason, error.retry_seconds) == ("RESOURCE_EXHAUSTED", "OVERLOADED", 1.0)
    done.set()
    assert [list(stream) for stream in silent] == [[], []]
    eventually(lambda: server.service.calls._streams == 0)
    assert len(list(stub.StreamClassifyArticles(iter([one])))) == 1


def _nothing_until(done: threading.Event) -> Iterator[pb.StreamClassifyArticlesRequest]:
    done.wait(60)
    yield from ()


def test_a_stream_that_nobody_uses_ends(bundle: Path) -> None:
    settings, done = Settings(address="127.0.0.1:0", bundle=str(bundle), stream_idle_seconds=0.1), threading.Event()
    with running_server(settings) as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stream = pb_grpc.ClassificationServiceStub(channel).StreamClassifyArticles(_nothing_until(done))
        error = failure(lambda: next(stream))
        done.set()
    assert (error.code, error.reason) == ("DEADLINE_EXCEEDED", "STREAM_IDLE")


def test_nothing_of_the_text_is_logged(
    server: FramingServer, channel: grpc.Channel, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call, answered and failed in every way: by its text, by its bytes, by a bug of ours."""
    caplog.set_level(logging.DEBUG)
    texts = ["{}", "{}" + "x" * 100_000, "\ud800{}".encode("utf-8", "surrogatepass").decode("utf-8", "replace")]
    fields = [{"text": text.format(CANARY)} for text in texts]
    fields += [{"text": "a", name: CANARY * 300} for name in ("title", "outlet", "url", "language")]
    for article in (pb.Article(**named) for named in fields):
        _call_all(channel, article)
    for path in MESSAGES:
        for data in (b"\xff" + CANARY.encode(), b"\x0a\x0f\x0a\x0d\xff" + CANARY.encode() + b"\xff\xff\xff"):
            _answer_or_error(channel, path, data)

    def explode(article: Any, **_: Any) -> None:
        raise KeyError(article.text)  # as a bug of ours might

    monkeypatch.setattr(server.service.model(), "classify", explode)
    _call_all(channel, pb.Article(text=CANARY))
    assert "log_id" in caplog.text
    assert "KeyError" in caplog.text
    assert len(caplog.records) > 30
    assert CANARY not in caplog.text


def _call_all(channel: grpc.Channel, article: pb.Article) -> None:
    framing = "/framing.v1.ClassificationService/"
    one = pb.ClassifyArticleRequest(article=article).SerializeToString()
    _answer_or_error(channel, framing + "ClassifyArticle", one)
    _answer_or_error(channel, framing + "StreamClassifyArticles", one)
    batch = pb.BatchClassifyArticlesRequest(articles=[article]).SerializeToString()
    _answer_or_error(channel, framing + "BatchClassifyArticles", batch)


def _answer_or_error(channel: grpc.Channel, path: str, data: bytes) -> None:
    try:
        if "Stream" in path:
            list(channel.stream_stream(path)(iter([data]), timeout=10))
        else:
            channel.unary_unary(path)(data, timeout=10)
    except grpc.RpcError:
        pass  # the failure is what is wanted; the log is what is looked at
