"""Load from h2load, and the servers it is put on, each a process of its own on a free port of the loopback."""

import contextlib
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc

from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from tests.benchmarks.results import ROOT, Skipped

UNARY = "/framing.v1.ClassificationService/ClassifyArticle"
BATCH = "/framing.v1.ClassificationService/BatchClassifyArticles"
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What h2load saw: calls a second, and how many seconds each took, in order."""

    rate: float
    seconds: tuple[float, ...]

    def quantile(self, share: float) -> float:
        """Return the seconds within which that share of the calls was answered."""
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def h2load(port: int, path: str, request: bytes, *options: str, seconds: float, clients: int = 8) -> Load:
    """Return what a load of `request` on the gRPC server at `port` gave; RuntimeError if a call failed."""
    framed = b"\0" + struct.pack(">I", len(request)) + request
    headers = ("-H", "te: trailers", "-H", "content-type: application/grpc")
    return _load(port, path, framed, *options, *headers, seconds=seconds, clients=clients)


def posted(port: int, path: str, body: bytes, *, seconds: float, clients: int = 8) -> Load:
    """Return what a load of `body`, JSON, on the HTTP/1.1 server at `port` gave; RuntimeError if a call failed."""
    return _load(port, path, body, "--h1", "-H", "content-type: application/json", seconds=seconds, clients=clients)


def _load(port: int, path: str, data: bytes, *options: str, seconds: float, clients: int) -> Load:
    program = shutil.which("h2load")
    if not program:
        raise Skipped("h2load is not here (Debian: nghttp2-client)")
    with tempfile.TemporaryDirectory() as folder:
        body, log = Path(folder) / "body", Path(folder) / "log"
        body.write_bytes(data)
        command = [program, "-D", f"{seconds:g}", "-c", str(clients), "-d", str(body), "--log-file", str(log), *options]
        run = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
        rows = [line.split("\t") for line in log.read_text("ascii").splitlines()]
    found = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", run.stdout)
    if not found or int(found.group(1)) == 0 or any(int(found.group(number)) for number in (2, 3, 4)):
        raise RuntimeError(f"h2load: {run.stdout[-800:]}{run.stderr[-800:]}")
    return Load(int(found.group(1)) / seconds, tuple(sorted(int(row[2]) / 1e6 for row in rows)))


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run ``python -m`` with `arguments`, where PORT stands for a free port; yield it and the port when it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", *(argument.replace("PORT", str(port)) for argument in arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_it_answers(process, port)
        yield process, port
    finally:
        process.terminate()
        process.wait(timeout=40)


def framing_server(
    bundle: Path, *arguments: str
) -> contextlib.AbstractContextManager[tuple[subprocess.Popen[bytes], int]]:
    """Run ``framing-serve`` on `bundle`."""
    return server("serving", "--bundle", str(bundle), "--address", "127.0.0.1:PORT", *arguments)


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    """Return when a ClassifyArticle call succeeds; RuntimeError if none does in time, or the process ends."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(grpc.RpcError):
            ask(port, pb.ClassifyArticleRequest(article=pb.Article(text="Iran and Russia signed a treaty.")))
            return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args}: expected an answer within {_START_SECONDS} s, got none")


def ask(port: int, request: pb.ClassifyArticleRequest) -> pb.ClassifyArticleResponse:
    """Return the answer of the server at `port`."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        reply: pb.ClassifyArticleResponse = pb_grpc.ClassificationServiceStub(channel).ClassifyArticle(
            request, timeout=5
        )
        return reply


def resident_bytes(pid: int) -> int:
    """Return the resident memory of the largest of the process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return max(_resident(int(number)) for number in (pid, *children))


def _resident(pid: int) -> int:
    status = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii"))
    return int(status.group(1)) * 1024 if status else 0
