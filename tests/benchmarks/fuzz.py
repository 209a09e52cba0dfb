"""Ten million bytes of random and mutated frames and messages through the port of a server of its own.

    python -m tests.benchmarks.fuzz BUNDLE [--bytes 10000000]

Prints one JSON object and ends with 1 if anything does not hold: a process ended, a call hung, a reply or the log
showed an exception, a valid call was not answered in between, or memory grew in the second half by more than 8 MB.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from hypothesis import HealthCheck, given, seed, settings

from tests.fuzzing import Target, frames, messages

EXAMPLES = 200
MOST_GROWTH = 8 << 20
MANY = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def main() -> None:
    """Fuzz, print, and exit with 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--bytes", type=int, default=10_000_000)
    options = parser.parse_args()
    result = fuzz(options.bundle, options.bytes)
    print(json.dumps(result))
    sys.exit(0 if result["holds"] else 1)


def fuzz(bundle: Path, most: int) -> dict[str, Any]:
    """Return what was sent to a new server and what became of it."""
    port = free_port()
    command = [sys.executable, "-m", "serving", "--bundle", str(bundle), "--address", f"127.0.0.1:{port}"]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen([*command, "--log-level", "WARNING"], stdout=log, stderr=log)
        try:
            target = wait_for(port)
            before = _processes(server.pid)
            rounds = _rounds(target, most, server.pid)
            same = _processes(server.pid) == before
            target.close()
        finally:
            server.terminate()
            server.wait(60)
        log.seek(0)
        text = log.read()
    half = rounds[len(rounds) // 2]["rss"]
    growth = max(0, rounds[-1]["rss"] - half)
    result = {
        "bytes": target.sent,
        "examples": EXAMPLES * 2 * len(rounds),
        "seconds": round(sum(entry["seconds"] for entry in rounds), 1),
        "rss_mb": [round(entry["rss"] / 1e6, 1) for entry in (rounds[0], rounds[len(rounds) // 2], rounds[-1])],
        "growth_mb": round(growth / 1e6, 2),
        "same_processes": same,
        "exceptions_in_log": text.count(b"Traceback") + text.count(b"internal error"),
        "exit": server.returncode,
    }
    holds = same and growth <= MOST_GROWTH and not result["exceptions_in_log"] and server.returncode == 0
    return result | {"holds": holds}


def _rounds(target: Target, most: int, pid: int) -> list[dict[str, Any]]:
    rounds: list[dict[str, Any]] = []
    while target.sent < most:
        begin = time.perf_counter()
        _round(target, len(rounds))
        if not target.is_well():
            raise AssertionError("a valid call was not answered as it should be")
        rss = sum(process.memory_info().rss for process in _processes(pid))
        rounds.append({"seconds": time.perf_counter() - begin, "rss": rss})
    return rounds


def _round(target: Target, number: int) -> None:
    @seed(number)
    @MANY
    @given(frames())
    def send_frames(data: bytes) -> None:
        target.send_frames(data)

    @seed(number)
    @MANY
    @given(messages())
    def send_messages(call: tuple[str, list[bytes]]) -> None:
        target.send_messages(*call)

    send_frames()
    send_messages()


def _processes(pid: int) -> list[psutil.Process]:
    server = psutil.Process(pid)
    return sorted([server, *server.children(recursive=True)], key=lambda process: process.pid)


def wait_for(port: int) -> Target:
    """Return the server at `port` once it answers, after a minute at the latest."""
    deadline = time.monotonic() + 60
    while True:
        target = Target(port)
        try:
            if target.is_well():
                return target
        except Exception:  # not there yet
            if time.monotonic() > deadline:
                raise
        target.close()
        time.sleep(0.2)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
