"""What breaks when everything is broken under load? Swaps, bad versions, kills, no registry, a full disk, rude clients.

    python -m tests.benchmarks.chaos BUNDLE [--swaps 200] [--workers 2]

Clients call through the client library all the while: single articles, batches and streams, some of which are read
slowly or left half-way. Every answer is compared with what its version must say. Prints one JSON object: what each
step lost, and the resident memory of the workers before and after the swaps.
"""

import argparse
import contextlib
import json
import logging
import math
import os
import resource
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import grpc

from framing.article import Article
from framing.bundle import load_bundle, read_golden, save_bundle
from framing.errors import FramingError
from framing.model import FramingModel
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.client import FramingClient
from serving.model_cache import ModelCache
from serving.settings import Settings
from serving.updates import Problem, Report
from tests.processes import children, wait_until_serving
from tests.supervised import CHAMPION, SOURCE, Recorder, Registry, copied_bundle, supervised
from tests.waiting import eventually

TEXT = "وقع الرئيسان الروسي والإيراني في موسكو معاهدة شراكة استراتيجية تشمل التعاون الدفاعي والتجارة والنقل. " * 20
ARTICLE = pb.Article(text=TEXT)
KILLS = 3
SETTLE_SECONDS = 1.0


class Load:
    """Clients that never stop, and the count of what became of their calls."""

    def __init__(self, address: str, bundles: tuple[Path, Path]) -> None:
        self.counts: Counter[str] = Counter()
        self._address = address
        self._expected = [_probabilities(load_bundle(bundle)) for bundle in bundles]
        self._stop = threading.Event()
        kinds = (self.unary, self.unary, self.batch, self.stream, self.slow_reader, self.vanishing)
        self._threads = [threading.Thread(target=self._run, args=(kind,)) for kind in kinds]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, call: Callable[[FramingClient], None]) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(FramingError, grpc.RpcError), FramingClient(self._address, timeout=30) as client:
                for _ in range(200):  # then a new connection, which another worker may get
                    if self._stop.is_set():
                        return
                    self._count(call, client)

    def _count(self, call: Callable[[FramingClient], None], client: FramingClient) -> None:
        try:
            call(client)
        except (FramingError, grpc.RpcError) as error:
            code = error.code() if isinstance(error, grpc.RpcError) else getattr(error, "code", error)
            self.counts[f"lost {call.__name__} {code}"] += 1

    def unary(self, client: FramingClient) -> None:
        self._check([client.classify(ARTICLE).classification])

    def batch(self, client: FramingClient) -> None:
        request = pb.BatchClassifyArticlesRequest(articles=[ARTICLE] * 16)
        self._check(list(client._call(client._stub.BatchClassifyArticles, request).classifications))

    def stream(self, client: FramingClient) -> None:
        """A stream cannot be tried again by a library, which does not know what of it was used: ended calls are told."""
        requests = (pb.StreamClassifyArticlesRequest(article=ARTICLE) for _ in range(16))
        self._read(client, requests, pause=0.0)

    def slow_reader(self, client: FramingClient) -> None:
        requests = (pb.StreamClassifyArticlesRequest(article=ARTICLE) for _ in range(16))
        self._read(client, requests, pause=0.02)

    def vanishing(self, _: FramingClient) -> None:
        with grpc.insecure_channel(self._address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = pb_grpc.ClassificationServiceStub(channel)
            replies = stub.StreamClassifyArticles(pb.StreamClassifyArticlesRequest(article=ARTICLE) for _ in range(64))
            with contextlib.suppress(grpc.RpcError):
                self.counts["streams ended without an answer"] += next(replies, None) is None
        self.counts["vanished"] += 1

    def _read(
        self, client: FramingClient, requests: Iterator[pb.StreamClassifyArticlesRequest], *, pause: float
    ) -> None:
        try:
            for reply in client._stub.StreamClassifyArticles(requests, timeout=30):
                self._check([reply.classification])
                time.sleep(pause)
        except grpc.RpcError as error:
            at_once = error.code() == grpc.StatusCode.UNAVAILABLE
            self.counts["streams ended UNAVAILABLE" if at_once else f"lost stream {error.code()}"] += 1

    def _check(self, answers: list[pb.Classification]) -> None:
        self.counts["answered"] += len(answers)
        self.counts["mixed"] += len({answer.model_version for answer in answers}) - 1
        for answer in answers:
            expected = self._expected[int(answer.model_version.partition("/")[2]) % 2]
            got = [score.probability for score in answer.framings]
            self.counts["wrong"] += not all(map(math.isclose, got, expected))


def _probabilities(model: FramingModel) -> list[float]:
    return [score.probability for score in model.classify(Article(text=TEXT)).framings]


def other_than(bundle: Path, folder: Path) -> Path:
    """Return a bundle below `folder` whose model answers otherwise than that of `bundle`."""
    model = load_bundle(bundle)
    weights = replace(model.weights, shift=model.weights.shift + 0.5)
    golden = [Article(title=item.title, text=item.text) for item in read_golden(bundle)]
    save_bundle(FramingModel(model.taxonomy, weights, model.decisions), folder / "other", golden, info={})
    return folder / "other"


def resident_megabytes() -> list[float]:
    """Return what each worker holds."""
    pages = [Path(f"/proc/{pid}/statm").read_text("ascii").split()[1] for pid in workers()]
    return [round(int(count) * os.sysconf("SC_PAGE_SIZE") / 2**20, 1) for count in pages]


def workers() -> list[int]:
    return children(os.getpid(), "serving.worker")


def replaced(before: set[int]) -> bool:
    """Return whether there are other workers than `before`, and as many."""
    now = set(workers())
    return now != before and len(now) == len(before)


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Let this process, where the supervisor runs, write nothing to files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Chaos:
    """The steps, each of which leaves the server as it found it."""

    def __init__(self, registry: Registry, recorder: Recorder, cache: ModelCache, fetch: Callable[[int], Path]) -> None:
        self._registry = registry
        self._recorder = recorder
        self._cache = cache
        self._fetch = fetch
        self._number = 0

    def swaps(self, count: int) -> dict[str, object]:
        """Swap `count` times; memory is compared with that after the first tenth, when everything has been met."""
        warm: list[float] = []
        for done in range(count):
            self._swap()
            if done == count // 10:
                warm = resident_megabytes()
        return {"swapped": count, "megabytes_warm": warm, "megabytes_after": resident_megabytes()}

    def corrupt(self) -> None:
        """Name a version whose bytes are wrong: workers refuse it."""
        self._number += 1
        bundle = self._fetch(self._number)
        spoilt = bundle / "ngrams.npy"
        data = bytearray(spoilt.read_bytes())
        data[len(data) // 2] ^= 1
        spoilt.unlink()  # it is a link to the good one
        spoilt.write_bytes(data)
        self._registry.report(Report(model=CHAMPION, version=f"framing/{self._number}", bundle=str(bundle)))
        eventually(lambda: self._recorder.outcomes[-1].problem == Problem.BUNDLE_INVALID)
        time.sleep(SETTLE_SECONDS)
        shutil.rmtree(bundle.parent)
        self._swap()

    def kills(self, number: signal.Signals) -> None:
        """End a worker by the signal `number`, wait for its replacement, and again."""
        for _ in range(KILLS):
            before = set(workers())
            os.kill(min(before), number)
            eventually(partial(replaced, before))
            time.sleep(3 * SETTLE_SECONDS)

    def registry_away(self) -> None:
        """Lose the registry, kill the process that follows it, and find it again."""
        self._registry.refuse("", Problem.REGISTRY_UNAVAILABLE)
        for pid in children(os.getpid(), SOURCE):
            os.kill(pid, signal.SIGKILL)
        time.sleep(3 * SETTLE_SECONDS)
        self._swap()

    def disk_full(self) -> None:
        """Name a version while the disk takes nothing: it serves; the one before stays remembered for a restart."""
        self._number += 1
        version, file = f"framing/{self._number}", self._registry.file.with_suffix(".next")
        Registry(file).choose(version, self._fetch(self._number))
        with full_disk():
            file.rename(self._registry.file)
            self._served(version)
        remembered = self._cache.remembered(CHAMPION)
        if remembered is None or remembered.version != f"framing/{self._number - 1}":
            raise RuntimeError(f"expected the version before {version} to be remembered, got {remembered}")
        self._swap()

    def _swap(self) -> None:
        self._number += 1
        version = f"framing/{self._number}"
        self._registry.choose(version, self._fetch(self._number))
        self._served(version)

    def _served(self, version: str) -> None:
        eventually(lambda: self._recorder.outcomes[-1].version == version)
        if self._recorder.outcomes[-1].problem:
            raise RuntimeError(f"expected {version} to serve, got {self._recorder.outcomes[-1]}")


def measure(bundle: Path, folder: Path, *, swaps: int, count: int) -> dict[str, object]:
    """Return what each step lost."""
    registry, cache = Registry(folder / "registry.json"), ModelCache(folder / "cache", str(folder / "registry.json"))
    pair = Path(shutil.copytree(bundle, folder / "one")), other_than(bundle, folder)

    def fetch(number: int) -> Path:
        return copied_bundle(pair[number % 2], cache.place("framing", str(number)) / "bundle")

    registry.choose("framing/0", fetch(0))
    settings = Settings(
        address="127.0.0.1:0", workers=count, tracking_uri=str(registry.file), cache=folder / "cache",
        registry_interval=0.02, log_level="ERROR",
    )  # fmt: skip
    results: dict[str, object] = {}
    with contextlib.ExitStack() as stack:
        supervisor, recorder = stack.enter_context(supervised(settings))
        wait_until_serving(supervisor.settings.address)
        load = stack.enter_context(Load(supervisor.settings.address, pair))
        chaos = Chaos(registry, recorder, cache, fetch)
        steps: dict[str, Callable[[], object]] = {
            "swaps": lambda: chaos.swaps(swaps),
            "corrupt version": chaos.corrupt,
            "SIGKILL": lambda: chaos.kills(signal.SIGKILL),
            "SIGTERM": lambda: chaos.kills(signal.SIGTERM),
            "registry away": chaos.registry_away,
            "disk full": chaos.disk_full,
        }
        for name, step in steps.items():
            before = load.counts.copy()
            told = step()
            results[name] = {"counts": dict(load.counts - before), "told": told}
        results["crashed"] = len(recorder.crashed)
    return results


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--swaps", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    logging.basicConfig(level="CRITICAL")
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(options.bundle, Path(folder), swaps=options.swaps, count=options.workers), indent=1))


if __name__ == "__main__":
    main()
