"""Calls a second over the loopback, beside a handler that does nothing, in alternating rounds of one run."""

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from framing.article import Article
from framing.bundle import load_bundle
from framing.v1 import classification_service_pb2 as pb
from tests.benchmarks.load import BATCH, UNARY, Load, ask, framing_server, h2load, server
from tests.benchmarks.model import benchmark_model, sample_article
from tests.benchmarks.results import Result

COMMAND = "make bench BENCH=throughput"
ROUNDS = 3
SECONDS = 4.0
BATCH_SIZE = 64
_ENOUGH_PROCESSORS = 4


def measure() -> Iterator[Result]:
    """Yield the figures: with evidence as by default, and without."""
    bundle, text = benchmark_model().bundle, sample_article()
    with framing_server(bundle) as (_, port):
        for name, options in (
            ("", pb.ClassificationOptions()),
            (", evidence off", pb.ClassificationOptions(max_evidence=0)),
        ):
            request = pb.ClassifyArticleRequest(article=pb.Article(text=text), options=options)
            yield from _beside_empty(port, request, name)
        request = pb.ClassifyArticleRequest(article=pb.Article(text=text))
        yield from _latency(port, request.SerializeToString())
        yield from _batch(port, request)
    yield from _workers(bundle, request)


def _best(port: int, request: bytes, path: str = UNARY, clients: int = 8) -> Load:
    return h2load(port, path, request, seconds=SECONDS, clients=clients)


def _beside_empty(port: int, request: pb.ClassifyArticleRequest, name: str) -> Iterator[Result]:
    data = request.SerializeToString()
    with tempfile.TemporaryDirectory() as folder:
        reply = Path(folder) / "reply"
        reply.write_bytes(ask(port, request).SerializeToString())
        with server("tests.benchmarks.empty_server", "PORT", str(reply)) as (_, empty):
            rounds = [(_best(port, data).rate, _best(empty, data).rate) for _ in range(ROUNDS)]
    ours, nothing = (max(rates) for rates in zip(*rounds, strict=True))
    yield Result(f"throughput: unary calls{name}", ours, "a second", "", COMMAND)
    yield Result(f"throughput: unary calls of an empty handler{name}", nothing, "a second", "", COMMAND)
    yield Result(f"throughput: share of an empty handler{name}", ours / nothing, "", ">= 0.6", COMMAND)


def _latency(port: int, request: bytes) -> Iterator[Result]:
    clients = 4
    most = _best(port, request).rate
    pace = ("--rps", f"{most / 2 / clients:.1f}")
    half = h2load(port, UNARY, request, *pace, seconds=SECONDS, clients=clients)
    yield Result("latency: p50 at half of the maximum load", half.quantile(0.5) * 1e3, "ms", "", COMMAND)
    yield Result(
        "latency: p99 by p50 at half of the maximum load",
        half.quantile(0.99) / half.quantile(0.5),
        "times",
        "<= 3",
        COMMAND,
    )


def _batch(port: int, request: pb.ClassifyArticleRequest) -> Iterator[Result]:
    batch = pb.BatchClassifyArticlesRequest(articles=[request.article] * BATCH_SIZE).SerializeToString()
    data = request.SerializeToString()
    rounds = [(_best(port, data).rate, _best(port, batch, BATCH, clients=2).rate * BATCH_SIZE) for _ in range(ROUNDS)]
    one, many = (max(rates) for rates in zip(*rounds, strict=True))
    yield Result("throughput: articles of batches of 64 by unary calls", many / one, "times", ">= 1.5", COMMAND)


def _workers(bundle: Path, request: pb.ClassifyArticleRequest) -> Iterator[Result]:
    """Yield two workers by one: by calls that the load generator shares the processors with, and by batches, which cost
    it next to nothing; and what two processes do by one on this machine that classify and serve nobody.
    """  # noqa: D205
    batch = pb.BatchClassifyArticlesRequest(articles=[request.article] * BATCH_SIZE).SerializeToString()
    data = request.SerializeToString()
    with framing_server(bundle) as (_, one), framing_server(bundle, "--workers", "2") as (_, two):
        for name, path, message, target in (
            ("", UNARY, data, _of_calls()),
            (", batches of 64", BATCH, batch, ">= 1.6"),
        ):
            rounds = [[_best(port, message, path, clients=16).rate for port in (one, two)] for _ in range(ROUNDS)]
            single, double = (max(rates) for rates in zip(*rounds, strict=True))
            yield Result(f"throughput: two workers by one{name}", double / single, "times", target, COMMAND)
    rounds = [[_loops(bundle, request.article.text, count) for count in (1, 2)] for _ in range(ROUNDS)]
    single, double = (max(rates) for rates in zip(*rounds, strict=True))
    yield Result("throughput: two processes by one, without a server", double / single, "times", "", COMMAND)


def _of_calls() -> str:
    """Return the target of single calls: none where workers, their threads and the load generator share the processors."""
    return ">= 1.6" if (os.cpu_count() or 1) >= _ENOUGH_PROCESSORS else ""


def _loops(bundle: Path, text: str, processes: int) -> float:
    """Return how many times a second so many processes together classify `text`."""
    begin = time.time() + 3 * processes
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return sum(pool.map(_loop, [bundle] * processes, [text] * processes, [begin] * processes)) / SECONDS


def _loop(bundle: Path, text: str, begin: float) -> int:
    model, article, count = load_bundle(bundle), Article(text=text), 0
    model.classify(article)
    if time.time() > begin:
        raise TimeoutError("expected the model to be loaded by the common beginning, got there late")
    time.sleep(begin - time.time())
    while time.time() < begin + SECONDS:
        model.classify(article)
        count += 1
    return count
