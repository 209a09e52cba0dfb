"""``framing-serve`` as a process of its own, for tests and benchmarks."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVING = health_pb2.HealthCheckResponse.SERVING


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "serving", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until_serving(address: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        while time.monotonic() < deadline:
            try:
                if stub.Check(health_pb2.HealthCheckRequest(), timeout=1, wait_for_ready=True).status == SERVING:
                    return
            except grpc.RpcError:
                pass
            time.sleep(0.05)
    raise TimeoutError(f"{address} was not SERVING after {seconds} s")


def children(pid: int, module: str) -> list[int]:
    """Return the processes that `pid` has started to run `module`."""
    found = []
    for number in _children(pid):
        with contextlib.suppress(OSError):  # it may end while we look
            if module.encode() in Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0"):
                found.append(number)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):  # by thread, which may end while we look
        with contextlib.suppress(OSError):
            found.extend(map(int, path.read_text("ascii").split()))
    return found


def kill(pid: int) -> None:
    """End a process as the kernel does when memory is out."""
    os.kill(pid, signal.SIGKILL)
