"""What breaks when everything is broken under load? Swaps, bad versions, kills, no registry, a full disk, rude clients.

    python -m tests.benchmarks.chaos BUNDLE [--swaps 200] [--workers 2] [--seconds 360]

Callers in a process of their own call through the client library over TLS all the while: single articles, batches and
streams, some of which are read slowly or left half-way. Every answer is compared with what its version must say. Prints
one JSON object: what each step lost, and the resident memory of the workers before and after the swaps.
"""

import argparse
import contextlib
import json
import logging
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from framing.article import Article
from framing.bundle import load_bundle, read_golden, save_bundle
from framing.model import FramingModel
from serving.model_cache import ModelCache
from serving.settings import Settings
from serving.updates import Problem, Report
from tests.benchmarks.callers import calling
from tests.certificates import Authority
from tests.processes import children
from tests.supervised import CHAMPION, SOURCE, Recorder, Registry, copied_bundle, supervised
from tests.waiting import eventually

KILLS = 3
ROTATIONS = 6
WARM_ARTICLES = 1000
SETTLE_SECONDS = 1.0


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


def measure(bundle: Path, folder: Path, *, swaps: int, count: int, seconds: float) -> dict[str, object]:
    """Return what each step lost, of a run of at least `seconds`."""
    registry, cache = Registry(folder / "registry.json"), ModelCache(folder / "cache", str(folder / "registry.json"))
    pair = Path(shutil.copytree(bundle, folder / "one")), other_than(bundle, folder)
    begin, authorities = time.monotonic(), (Authority("one"), Authority("other"))
    certificate, key = authorities[0].identity("server").write(folder)

    def fetch(number: int) -> Path:
        return copied_bundle(pair[number % 2], cache.place("framing", str(number)) / "bundle")

    registry.choose("framing/0", fetch(0))
    settings = Settings(
        address="127.0.0.1:0", workers=count, tracking_uri=str(registry.file), cache=folder / "cache",
        registry_interval=0.02, log_level="ERROR", tls_certificate=str(certificate), tls_key=str(key),
    )  # fmt: skip
    trusted = b"".join(authority.certificate for authority in authorities)
    with contextlib.ExitStack() as stack:
        supervisor, recorder = stack.enter_context(supervised(settings))
        eventually(lambda: bool(recorder.outcomes) and len(workers()) == count)
        counted = stack.enter_context(calling(supervisor.settings.address, trusted, pair))
        eventually(lambda: counted()["articles"] > WARM_ARTICLES)
        chaos = Chaos(registry, recorder, cache, fetch)
        steps: dict[str, Callable[[], object]] = {
            "swaps": lambda: chaos.swaps(swaps),
            "corrupt version": chaos.corrupt,
            "SIGKILL": lambda: chaos.kills(signal.SIGKILL),
            "SIGTERM": lambda: chaos.kills(signal.SIGTERM),
            "registry away": chaos.registry_away,
            "disk full": chaos.disk_full,
            "certificate rotation": lambda: rotate(authorities, folder),
            "nothing": lambda: time.sleep(max(1.0, seconds - (time.monotonic() - begin))),
        }
        results = {name: step_result(step, counted) for name, step in steps.items()}
        return results | {
            "all": dict(counted()),
            "workers ended": len(recorder.crashed),
            "megabytes": resident_megabytes(),
        }


def step_result(step: Callable[[], object], counted: Callable[[], Counter[str]]) -> dict[str, object]:
    """Return what `step` told, how long it took, and what was counted meanwhile."""
    before, begin = counted(), time.monotonic()
    told = step()
    seconds = round(time.monotonic() - begin, 1)
    result = {"seconds": seconds, "told": told, "counts": dict(counted() - before)}
    print(json.dumps(result), file=sys.stderr, flush=True)
    return result


def rotate(authorities: tuple[Authority, Authority], folder: Path) -> None:
    """Put other certificates in place, of one authority and the other by turns."""
    fresh = folder / "fresh"
    fresh.mkdir()
    for number in range(1, ROTATIONS + 1):
        for made in authorities[number % 2].identity("server").write(fresh):
            made.replace(folder / made.name)
        time.sleep(SETTLE_SECONDS)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--swaps", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=360)
    options = parser.parse_args()
    logging.basicConfig(level="CRITICAL")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(
            options.bundle, Path(folder), swaps=options.swaps, count=options.workers, seconds=options.seconds
        )
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
