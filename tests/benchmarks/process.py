"""How soon a server serves, how much memory a worker takes, and whether it grows over many calls."""

import compileall
import time
from collections.abc import Iterator
from os import environ

from framing.v1 import classification_service_pb2 as pb
from tests.benchmarks.load import UNARY, framing_server, h2load, resident_bytes
from tests.benchmarks.model import benchmark_model, sample_article
from tests.benchmarks.results import ROOT, Result

COMMAND = "make bench BENCH=process"
STARTS = 5
SOAK_CALLS = int(environ.get("SOAK_CALLS", "50000"))
_SOAK_ROUND_SECONDS = 5.0


def measure() -> Iterator[Result]:
    """Yield the figures."""
    bundle, text = benchmark_model().bundle, sample_article()
    for package in (
        "framing",
        "serving",
    ):  # as an installation has them, even where Python is told to write no bytecode
        compileall.compile_dir(ROOT / package, quiet=1)
    starts = []
    for _ in range(STARTS):
        begin = time.perf_counter()
        with framing_server(bundle):
            starts.append(time.perf_counter() - begin)
    yield Result("process: from start to the first answer, best of 5", min(starts), "s", "<= 1.2", COMMAND)
    request = pb.ClassifyArticleRequest(article=pb.Article(text=text)).SerializeToString()
    with framing_server(bundle) as (process, port):
        calls, sizes = 0, []
        while calls < SOAK_CALLS:
            calls += int(h2load(port, UNARY, request, seconds=_SOAK_ROUND_SECONDS).rate * _SOAK_ROUND_SECONDS)
            sizes.append((calls, resident_bytes(process.pid)))
    yield Result("process: resident memory of a worker after load", sizes[-1][1] / 1e6, "MB", "<= 130", COMMAND)
    grown = sizes[-1][1] - sizes[0][1]
    command = f"SOAK_CALLS={SOAK_CALLS} {COMMAND}"
    yield Result(f"process: growth over {sizes[-1][0] - sizes[0][0]} calls", grown / 1e6, "MB", "<= 2", command)
