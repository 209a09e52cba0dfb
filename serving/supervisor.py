"""The supervisor: holds the port, keeps workers running on it, and follows the registry for them.

It imports neither gRPC nor numpy nor mlflow, answers no calls and reads no model, so that it outlives them all.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from framing.errors import ModelUnavailable
from serving.challenger import Challenger
from serving.follower import SOURCE, Follower
from serving.model_cache import ModelCache, ModelVersion
from serving.port import held_port
from serving.settings import Settings
from serving.updates import CHALLENGER, CHAMPION, Problem, Report, SwapOutcome
from serving.workers import Observer, Workers

ASK_FIRST_SECONDS = 10.0  # that the registry has to answer before the version that was last good serves
_LOG = logging.getLogger("framing.serving")


class Supervisor:
    """Runs a server until `run` is cancelled. `settings.address` has its port once it runs."""

    def __init__(self, settings: Settings, observer: Observer, *, source: str = SOURCE) -> None:
        self.settings = settings
        self._observer = observer
        self._source = source
        self._cache = ModelCache(settings.cache, settings.tracking_uri)
        self._challenger: Challenger | None = None

    async def run(self) -> None:
        """Supervise. Raises ConfigError, ModelError or CrashLoop if there is no going on."""
        with held_port(self.settings.address) as address:
            self.settings = replace(self.settings, address=address)
            if self.settings.challenger:
                self._challenger = Challenger(self.settings, partial(self._observer.reported, CHALLENGER))
            workers = Workers(self.settings, self._observer, self._challenger.feed if self._challenger else None)
            tasks = [asyncio.create_task(part) for part in self._parts(workers)]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await workers.stop()

    def _parts(self, workers: Workers) -> list[Coroutine[Any, Any, None]]:
        parts = [workers.keep_running()]
        models = [self.settings.challenger] if self._challenger else []
        if self.settings.bundle:
            workers.choose(ModelVersion("", str(Path(self.settings.bundle).absolute())))
        else:
            models.insert(0, self.settings.model)
        if self._challenger:
            parts.append(self._challenger.keep_running())
        if models:
            follower = Follower(self.settings, models, self._source)
            parts += [follower.run(), self._follow(follower, workers)]
        return parts

    async def _follow(self, follower: Follower, workers: Workers) -> None:
        """Put what the registry chooses in force, from the first version on."""
        if not self.settings.bundle:
            await self._begin(follower, workers)
        while True:
            await self._take(await follower.next(), workers)

    async def _begin(self, follower: Follower, workers: Workers) -> None:
        """Choose the version that the registry names, or else the one that was last good."""
        try:
            report = await follower.next(ASK_FIRST_SECONDS)
        except TimeoutError:
            detail = f"the registry has not answered within {ASK_FIRST_SECONDS:.0f} s"
            report = Report(model=self.settings.model, problem=Problem.REGISTRY_UNAVAILABLE, detail=detail)
            report = report if self._cache.remembered(self.settings.model) else await follower.next()
        if report.problem:
            last = self._cache.remembered(self.settings.model)
            if last is None:
                raise ModelUnavailable(f"{report.model} {report.version}: {report.detail}")
            _LOG.warning("serving model=%s from the cache, as it was last good", last.version)
            workers.choose(last)
            await self._tell(report, workers)
        else:
            workers.choose(ModelVersion(report.version, report.bundle, report.labels))
            await self._tell(report, workers)
            self._remember(workers.model)

    async def _take(self, report: Report, workers: Workers) -> None:
        """Roll out what `report` has found, if it is good and new, and tell what became of it."""
        model = ModelVersion(report.version, report.bundle, report.labels)
        if report.model == self.settings.challenger:
            self._take_challenger(report, model)
            return
        if not report.problem and model.version != workers.model.version:
            problem = await workers.roll_out(model)
            if problem:
                detail = problem.replace(f"{self._cache.folder}/", "")  # callers see it: no folders of ours
                report = replace(report, problem=Problem.BUNDLE_INVALID, detail=detail)
            else:
                self._remember(model)
        await self._tell(report, workers)

    def _take_challenger(self, report: Report, model: ModelVersion) -> None:
        outcome = SwapOutcome(CHALLENGER, report.version, report.problem, report.detail, time.time())
        if outcome.problem:
            _LOG.error("challenger %s: %s: %s", report.version or report.model, outcome.problem, outcome.detail)
        elif self._challenger and self._challenger.model != model:
            self._challenger.load(model)
        self._observer.swapped(outcome)

    async def _tell(self, report: Report, workers: Workers) -> None:
        outcome = SwapOutcome(CHAMPION, report.version, report.problem, report.detail, time.time())
        if outcome.problem:
            serving = workers.model.version
            _LOG.error(
                "not serving %s: %s: %s; model=%s stays",
                report.version or report.model,
                outcome.problem,
                outcome.detail,
                serving,
            )
        else:
            _LOG.info("in force: model=%s", outcome.version)
        self._observer.swapped(outcome)
        await workers.note(outcome)

    def _remember(self, model: ModelVersion) -> None:
        """Keep `model` for a start without the registry, and no more of others than needed."""
        try:
            self._cache.remember(self.settings.model, model)
            shadowing = self._challenger.model if self._challenger else None
            self._cache.prune({model.bundle, shadowing.bundle if shadowing else model.bundle})
        except (OSError, ValueError) as error:
            _LOG.error("cannot remember model=%s in the cache %s: %s", model.version, self._cache.folder, error)


async def supervise(settings: Settings, observer: Observer) -> None:
    """Supervise until SIGTERM or SIGINT; then let the workers drain."""
    supervision = asyncio.create_task(Supervisor(settings, observer).run())
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait((supervision, stopping), return_when=asyncio.FIRST_COMPLETED)
    if not supervision.done():
        supervision.cancel()
        await asyncio.wait((supervision,))
        _LOG.info("stopped")
    else:
        supervision.result()
