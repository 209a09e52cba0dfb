"""The server as a process of its own: start, signals, wrong settings."""

import queue
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import grpc
import pytest

from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from tests.processes import start, wait_until_serving
from tests.waiting import eventually

TEXT = "The presidents of Russia and Iran signed a treaty in Moscow. " * 20
ALONE = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]


def test_sigterm_under_load_fails_no_accepted_call(bundle: Path, address: str) -> None:
    """And what was not accepted ends UNAVAILABLE, which clients try again: not CANCELLED, as gRPC would have it."""
    free = ("--max-waiting", "1000", "--max-wait-seconds", "1000", "--log-level", "WARNING")
    process = start("--bundle", str(bundle), "--address", address, *free)
    wait_until_serving(address)
    article = pb.Article(text=TEXT)
    with grpc.insecure_channel(address, [("grpc.enable_retries", 0)]) as channel:
        stub = pb_grpc.ClassificationServiceStub(channel)
        calls = [
            call
            for _ in range(100)
            for call in (
                stub.ClassifyArticle.future(pb.ClassifyArticleRequest(article=article), timeout=60),
                stub.BatchClassifyArticles.future(pb.BatchClassifyArticlesRequest(articles=[article] * 4), timeout=60),
                stub.GetModelInfo.future(pb.GetModelInfoRequest(), timeout=60),
            )
        ]
        assert calls[0].result().classification.framings
        process.send_signal(signal.SIGTERM)
        codes = Counter(call.code() for call in calls)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}, codes
    assert codes[grpc.StatusCode.OK] > 0


def test_sigterm_waits_for_a_call_that_was_accepted(bundle: Path, address: str) -> None:
    process = start("--bundle", str(bundle), "--address", address)
    wait_until_serving(address)
    requests: queue.SimpleQueue[pb.StreamClassifyArticlesRequest | None] = queue.SimpleQueue()
    with grpc.insecure_channel(address) as channel, grpc.insecure_channel(address, ALONE) as other:
        stub = pb_grpc.ClassificationServiceStub(channel)
        assert info(other) is None
        answers = stub.StreamClassifyArticles(iter(requests.get, None), timeout=60)
        for number in range(5):
            requests.put(pb.StreamClassifyArticlesRequest(article=pb.Article(text=TEXT)))
            assert next(answers).classification.framings
            if number == 0:
                process.send_signal(signal.SIGTERM)
                eventually(lambda: info(other) == grpc.StatusCode.UNAVAILABLE)  # sent elsewhere, and nobody is there
        requests.put(None)
        assert list(answers) == []
    process.communicate(timeout=60)
    assert process.returncode == 0


def info(channel: grpc.Channel) -> grpc.StatusCode | None:
    """Return the code with which a call fails, or None."""
    try:
        pb_grpc.ClassificationServiceStub(channel).GetModelInfo(pb.GetModelInfoRequest(), timeout=60)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return None


def test_the_serving_process_does_not_import_mlflow(bundle: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from serving.model_loader import open_model; from serving.server import FramingServer\n"
        "from serving.settings import Settings\n"
        "async def main():\n"
        f"    server = FramingServer(Settings(address='127.0.0.1:0', bundle={str(bundle)!r}))\n"
        "    await server.start(); await server.serve_model(open_model(Path(server.settings.bundle))); await server.drain()\n"
        "asyncio.run(main())\n"
        "print([name for name in ('mlflow', 'sklearn', 'scipy', 'pandas', 'datasets') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_second_server_on_the_port_is_refused(bundle: Path, address: str) -> None:
    first = start("--bundle", str(bundle), "--address", address)
    try:
        wait_until_serving(address)
        second = start("--bundle", str(bundle), "--address", address, "--workers", "2")
        _, log = second.communicate(timeout=60)
        assert second.returncode == 2
        assert f"cannot listen on {address}" in log
    finally:
        first.terminate()
        first.communicate(timeout=60)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--bundle", "/nowhere"), "/nowhere: expected a bundle directory"),
        (("--model", "framing"), "expected models:/NAME@ALIAS"),
        (("--max-batch", "none"), "FRAMING_MAX_BATCH"),
        (("--log-level", "loud"), "loud"),
    ],
)
def test_a_server_that_cannot_serve_says_why_and_ends(
    arguments: tuple[str, ...], message: str, address: str, tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path}/store.db"
    process = start(*arguments, "--address", address, "--tracking-uri", store, "--cache", str(tmp_path / "cache"))
    output, log = process.communicate(timeout=120)
    assert process.returncode == 2
    assert output == ""
    assert message in log
    assert "Traceback" not in log
