"""The supervisor and its workers as real processes: what happens when one of them dies."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from framing.errors import CrashLoop
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.crashes import Crashes
from tests.processes import children, kill, start, wait_until_serving
from tests.waiting import eventually

REQUEST = pb.ClassifyArticleRequest(article=pb.Article(text="The presidents of Russia and Iran signed a treaty."))


@pytest.fixture
def server(bundle: Path, address: str) -> Iterator[subprocess.Popen[str]]:
    process = start("--bundle", str(bundle), "--address", address, "--workers", "2", "--most-crashes", "3")
    wait_until_serving(address)
    eventually(lambda: len(children(process.pid, "serving.worker")) == 2)
    yield process
    process.kill()
    process.communicate(timeout=30)


def answers(address: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        try:
            reply = pb_grpc.ClassificationServiceStub(channel).ClassifyArticle(REQUEST, timeout=20)
        except grpc.RpcError:
            return False
    return len(reply.classification.framings) == 5


def loaded_libraries(pid: int) -> set[str]:
    """Return the folders that the process has loaded compiled code from."""
    lines = Path(f"/proc/{pid}/maps").read_text("utf-8").splitlines()
    return {part for line in lines for part in Path(line.partition("/")[2]).parts}


def test_a_killed_worker_is_replaced(server: subprocess.Popen[str], address: str) -> None:
    victim, other = children(server.pid, "serving.worker")
    kill(victim)
    eventually(lambda: len(set(children(server.pid, "serving.worker")) - {victim, other}) == 1)
    wait_until_serving(address)
    assert answers(address)
    assert not loaded_libraries(server.pid) & {"numpy", "grpc", "mlflow"}
    server.terminate()
    _, log = server.communicate(timeout=60)
    assert server.returncode == 0
    assert f"worker pid={victim} crashed: SIGKILL" in log
    assert "Traceback" not in log


def test_a_crash_loop_ends_the_server_and_says_so(server: subprocess.Popen[str]) -> None:
    def killed_to_the_last() -> bool:
        for worker in children(server.pid, "serving.worker"):
            with contextlib.suppress(ProcessLookupError):  # the supervisor may be quicker
                kill(worker)
        return server.poll() is not None

    eventually(killed_to_the_last)
    _, log = server.communicate(timeout=60)
    assert server.returncode == 3
    assert "framing-serve: workers crashed" in log
    assert "Traceback" not in log


def test_workers_end_when_their_supervisor_is_killed(server: subprocess.Popen[str]) -> None:
    workers = children(server.pid, "serving.worker")
    kill(server.pid)
    eventually(lambda: not any(Path(f"/proc/{worker}/exe").exists() for worker in workers))


def test_crashes_of_workers_that_served_are_forgiven_for_a_while() -> None:
    now = 0.0
    crashes = Crashes(3, clock=lambda: now)
    assert [crashes.add("SIGKILL", served=True) for _ in range(3)] == [0.0, 0.1, 0.2]
    now = 61.0
    assert crashes.add("SIGKILL", served=True) == 0.0
    crashes.add("SIGKILL", served=True)
    crashes.add("SIGKILL", served=True)
    with pytest.raises(CrashLoop, match="workers crashed 4 times in 60 s, at last with SIGSEGV"):
        crashes.add("SIGSEGV", served=True)


def test_workers_that_never_serve_are_given_up_sooner() -> None:
    crashes = Crashes(100)
    crashes.add("exit code 1", served=False)
    crashes.add("exit code 1", served=False)
    with pytest.raises(CrashLoop, match="3 times in a row before they served, at last with exit code 1"):
        crashes.add("exit code 1", served=False)
