"""How soon a server serves, how much memory a worker takes, and whether it grows over many calls."""

import compileall
import time
from collections.abc import Iterator, Sequence
from os import environ
from pathlib import Path

import grpc

from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from tests.benchmarks.load import UNARY, framing_server, h2load, resident_bytes
from tests.benchmarks.model import benchmark_model, sample_article
from tests.benchmarks.results import ROOT, Result

COMMAND = "make bench BENCH=process"
STARTS = 5
SOAK_CALLS = int(environ.get("SOAK_CALLS", "50000"))
_SOAK_ROUND_SECONDS = 5.0
_BATCH = 256


def measure() -> Iterator[Result]:
    """Yield the figures."""
    bundle = benchmark_model().bundle
    yield Result("process: from start to the first answer, best of 5", _start_seconds(bundle), "s", "<= 1.2", COMMAND)
    with framing_server(bundle) as (process, port):
        sizes = list(_soak(process.pid, port))
    yield Result("process: resident memory of a worker after load", sizes[-1][1] / 1e6, "MB", "<= 130", COMMAND)
    first, second = sizes[: len(sizes) // 2], sizes[len(sizes) // 2 :]
    # What is remembered of words comes and goes in generations, some megabytes: only what the highest of it gains is growth.
    grown = max(size for _, size in second) - max(size for _, size in first)
    command = f"SOAK_CALLS={SOAK_CALLS} {COMMAND}"
    yield Result(f"process: growth, second half of {SOAK_CALLS} calls by first", grown / 1e6, "MB", "<= 2", command)


def _start_seconds(bundle: Path) -> float:
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
    return min(starts)


def _soak(pid: int, port: int) -> Iterator[tuple[int, int]]:
    """Yield calls so far and resident bytes: once the whole corpus has been answered, then after each round of calls.

    The corpus fills what the server remembers of words, as days of real traffic do; its articles go on between rounds.
    """
    batches, calls = _batches(), 0
    request = pb.ClassifyArticleRequest(article=pb.Article(text=sample_article())).SerializeToString()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        send = pb_grpc.ClassificationServiceStub(channel).BatchClassifyArticles
        for batch in batches:
            send(batch)
        while calls < SOAK_CALLS:
            calls += int(h2load(port, UNARY, request, seconds=_SOAK_ROUND_SECONDS).rate * _SOAK_ROUND_SECONDS)
            send(batches[calls % len(batches)])
            yield calls, resident_bytes(pid)


def _batches() -> Sequence[pb.BatchClassifyArticlesRequest]:
    from framing.taxonomy import default_taxonomy
    from training.data import bundled_corpus, load_corpus

    items = load_corpus([bundled_corpus()], default_taxonomy()).items
    articles = [pb.Article(title=item.title, text=item.text) for item in items]
    return [
        pb.BatchClassifyArticlesRequest(articles=articles[begin : begin + _BATCH])
        for begin in range(0, len(articles), _BATCH)
    ]
