"""Overload: what becomes of calls that are accepted, of those that are not, and of health.

    python -m tests.benchmarks.overload BUNDLE [--seconds 5]

h2load (Debian: nghttp2-client) sends the same article to one worker, from few calls at once to many times what may wait,
and never pauses when it is refused. Beside it one caller asks again and again, and one asks for health. Prints one JSON
object: for each level the outcomes of the caller, the latency of its accepted calls and of health in milliseconds.
"""

import argparse
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from framing.v1 import classification_service_pb2 as pb
from serving.connection import call_error
from tests.benchmarks.fuzz import free_port, wait_for
from tests.fuzzing import ARTICLE, FRAMING, HEALTH

PATH = f"/{FRAMING}/ClassifyArticle"
REQUEST = pb.ClassifyArticleRequest(article=ARTICLE).SerializeToString()
PLACES = 64
CONNECTIONS = 8
LEVELS = {
    "none": 0,
    "half": 1,
    "full": PLACES // CONNECTIONS,
    "3 times": 3 * PLACES // CONNECTIONS,
    "10 times": 10 * PLACES // CONNECTIONS,
}  # calls open on each connection


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    if shutil.which("h2load") is None:
        sys.exit("h2load is not installed (Debian: nghttp2-client)")
    port = free_port()
    command = [sys.executable, "-m", "serving", "--bundle", str(options.bundle), "--address", f"127.0.0.1:{port}"]
    server = subprocess.Popen([*command, "--max-waiting", str(PLACES), "--log-level", "WARNING"])
    try:
        wait_for(port).close()
        found = {name: level(port, streams, options.seconds) for name, streams in LEVELS.items()}
        print(json.dumps(found, indent=1))
    finally:
        server.terminate()
        server.wait(60)


def level(port: int, streams: int, seconds: float) -> dict[str, Any]:
    """Return what a caller gets while h2load keeps `streams` calls open on each of its connections."""
    with tempfile.NamedTemporaryFile() as body, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        body.write(b"\0" + struct.pack(">I", len(REQUEST)) + REQUEST)
        body.flush()
        load = _load(port, streams, seconds + 1, body.name) if streams else None
        time.sleep(0.5)
        health: list[float] = []
        end = time.perf_counter() + seconds
        thread = threading.Thread(target=_probe, args=(channel, end, health))
        thread.start()
        accepted, outcomes = _call(channel, end)
        thread.join()
        output = load.communicate()[0] if load else ""
    finished = [line for line in output.splitlines() if line.startswith("finished")]
    return {
        "outcomes": outcomes,
        "accepted_ms": _quantiles(accepted),
        "health_ms": _quantiles(health),
        "load": finished,
    }


def _load(port: int, streams: int, seconds: float, body: str) -> "subprocess.Popen[str]":
    flags = ["-D", f"{seconds:.0f}", "-c", str(CONNECTIONS), "-m", str(streams), "-d", body]
    headers = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
    command = ["h2load", *flags, *headers, f"http://127.0.0.1:{port}{PATH}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _call(channel: grpc.Channel, end: float) -> tuple[list[float], dict[str, int]]:
    method = channel.unary_unary(PATH)
    accepted: list[float] = []
    outcomes: Counter[str] = Counter()
    while time.perf_counter() < end:
        begin = time.perf_counter()
        try:
            method(REQUEST, timeout=30)
            accepted.append(time.perf_counter() - begin)
            outcomes["OK"] += 1
        except grpc.RpcError as error:
            outcomes[call_error(error).reason] += 1
    return accepted, dict(outcomes)


def _probe(channel: grpc.Channel, end: float, health: list[float]) -> None:
    while time.perf_counter() < end:
        begin = time.perf_counter()
        channel.unary_unary(f"/{HEALTH}/Check")(b"", timeout=5)
        health.append(time.perf_counter() - begin)
        time.sleep(0.02)


def _quantiles(seconds: list[float]) -> dict[str, float]:
    return (
        {f"p{rank}": round(float(np.percentile(seconds, rank)) * 1000, 2) for rank in (50, 99, 100)} if seconds else {}
    )


if __name__ == "__main__":
    main()
