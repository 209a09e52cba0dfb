"""A supervisor in a thread of its own with real workers, and a registry that a test writes, for tests and benchmarks."""

import asyncio
import contextlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from framing.bundle import load_bundle
from serving.settings import Settings
from serving.supervisor import Supervisor
from serving.updates import Problem, Report, SwapOutcome

CHAMPION = "models:/framing@champion"
SOURCE = "tests.serving.scripted_source"
SECONDS = 90


class Registry:
    """What the scripted source reports. `choose` copies nothing: a bundle must lie in the cache to be remembered."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._reports: dict[str, Any] = {}
        self._labels: tuple[str, ...] | None = None

    def choose(self, version: str, bundle: Path, model: str = CHAMPION) -> None:
        """Let `model` mean `version`, whose bundle is good and has the labels of the first one."""
        if self._labels is None:
            taxonomy = load_bundle(bundle).taxonomy
            self._labels = taxonomy.topic_ids + taxonomy.framing_ids
        self.report(Report(model=model, version=version, bundle=str(bundle), labels=self._labels))

    def refuse(self, version: str, problem: Problem, model: str = CHAMPION) -> None:
        """Let `model` mean a version that the source does not hand out."""
        self.report(Report(model=model, version=version, problem=problem, detail="as the test says"))

    def report(self, report: Report) -> None:
        """Let the source say `report`."""
        self._reports[report.model] = asdict(report)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps(self._reports), "utf-8")
        fresh.rename(self.file)


class Recorder:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.outcomes: list[SwapOutcome] = []
        self.crashed: list[str] = []
        self.reports: dict[str, Mapping[str, Any]] = {}

    def reported(self, worker: str, message: Mapping[str, Any]) -> None:
        self.reports[worker] = message

    def ended(self, worker: str, *, crashed: bool) -> None:
        if crashed:
            self.crashed.append(worker)

    def swapped(self, outcome: SwapOutcome) -> None:
        self.outcomes.append(outcome)


@contextlib.contextmanager
def supervised(settings: Settings) -> Iterator[tuple[Supervisor, Recorder]]:
    """Yield a supervisor that runs, and what it has observed. Its workers are children of this process."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    recorder = Recorder()

    async def make() -> Supervisor:
        return Supervisor(settings, recorder, source=SOURCE)

    supervisor = asyncio.run_coroutine_threadsafe(make(), loop).result(SECONDS)
    running = asyncio.run_coroutine_threadsafe(supervisor.run(), loop)
    try:
        while supervisor.settings.address.endswith(":0") and not running.done():
            threading.Event().wait(0.01)
        yield supervisor, recorder
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            running.result(SECONDS)
        asyncio.run_coroutine_threadsafe(_settled(), loop).result(SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


async def _settled() -> None:
    """Wait until every other task of the loop has ended: a cancelled supervisor still drains its workers."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait_for(asyncio.gather(*others, return_exceptions=True), SECONDS)


def copied_bundle(bundle: Path, target: Path) -> Path:
    """Return a bundle equal to `bundle` but for its folder; its files are links."""
    target.mkdir(parents=True)
    for file in bundle.iterdir():
        os.link(file, target / file.name)
    return target
