"""The workers of a supervisor: kept running, and all moved to another model together."""

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from framing.errors import BundleError, ConfigError, FramingError
from serving.child import ChannelClosed, Child
from serving.crashes import Crashes
from serving.model_cache import ModelVersion
from serving.settings import Settings, flags
from serving.updates import SwapOutcome

ORDER_SECONDS = 60.0
KILL_AFTER = 5.0  # on top of the time that calls in flight get
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"}  # small products; threads would only cost memory
_LOG = logging.getLogger("framing.serving")


class Observer(Protocol):
    """Who wants to know how workers and versions are, to count it."""

    def reported(self, worker: str, message: Mapping[str, Any]) -> None:
        """Hear what a worker says of itself."""

    def ended(self, worker: str, *, crashed: bool) -> None:
        """Hear that a worker has ended."""

    def swapped(self, outcome: SwapOutcome) -> None:
        """Hear what became of a version."""


class Silent:
    """An observer that keeps it to itself."""

    def reported(self, worker: str, message: Mapping[str, Any]) -> None:
        """Do nothing."""

    def ended(self, worker: str, *, crashed: bool) -> None:
        """Do nothing."""

    def swapped(self, outcome: SwapOutcome) -> None:
        """Do nothing."""


class Workers:
    """`settings.workers` processes that answer calls, with the model that was chosen first or rolled out last."""

    def __init__(self, settings: Settings, observer: Observer, feed: socket.socket | None = None) -> None:
        self._settings = settings
        self._observer = observer
        self._feed = feed  # for articles that the challenger answers too
        self._running: set[Child] = set()
        self._serving: set[Child] = set()
        self._crashes = Crashes(settings.most_crashes)
        self._chosen = asyncio.Event()
        self._note: dict[str, Any] | None = None
        self._served = False
        self._herald: Child | None = None  # listens before it has a model, to tell that the server is not ready
        self.model = ModelVersion("", "")

    def choose(self, model: ModelVersion) -> None:
        """Serve `model` first; workers that have started wait for this."""
        self.model = model
        self._chosen.set()

    async def roll_out(self, model: ModelVersion) -> str:
        """Move every worker to `model`, all or none. Return why not, or nothing.

        One after the other loads it, so that the others have the processors; then all change over at once.
        """
        prepared: set[Child] = set()
        while waiting := self._serving - prepared:  # a worker may come to serve meanwhile
            worker = waiting.pop()
            answer = await _ask(worker, do="prepare", **_order(model))
            if answer and answer["problem"]:
                await asyncio.gather(*(_ask(other, do="drop") for other in prepared))
                return str(answer["problem"])
            prepared.add(worker)
        self.model = model
        await asyncio.gather(*(_ask(worker, do="commit") for worker in prepared))
        return ""

    async def note(self, outcome: SwapOutcome) -> None:
        """Let every worker know, and those to come."""
        self._note = asdict(outcome)
        await asyncio.gather(*(_ask(worker, do="note", outcome=self._note) for worker in self._serving))

    async def keep_running(self) -> None:
        """Keep the workers running. Raises ConfigError, BundleError or CrashLoop if there is no going on."""
        await asyncio.gather(*(self._keep_one() for _ in range(self._settings.workers)))

    async def stop(self) -> None:
        """Let the workers answer what they have accepted, and end."""
        seconds = self._settings.drain_seconds + KILL_AFTER
        await asyncio.gather(*(worker.stop(seconds) for worker in self._running))
        for worker in self._running:
            self._observer.ended(_name(worker), crashed=False)

    async def _keep_one(self) -> None:
        """Keep one worker running: start it, load it, and when it has crashed start another."""
        while True:
            worker = await self._start()
            served = await self._bring_up(worker)
            reason = await worker.ended()
            self._running.discard(worker)
            self._serving.discard(worker)
            self._herald = None if self._herald is worker else self._herald
            self._observer.ended(_name(worker), crashed=True)
            pause = self._crashes.add(reason, served=served)
            _LOG.error("worker pid=%s crashed: %s; the next one starts in %.1f s", _name(worker), reason, pause)
            await asyncio.sleep(pause)

    async def _start(self) -> Child:
        worker = await Child.start(
            "serving.worker",
            flags(self._settings),
            environment={**_ENVIRONMENT, **os.environ},
            inherited=[self._feed.fileno()] if self._feed else [],
            heard=lambda message: self._observer.reported(_name(worker), message),
        )
        self._running.add(worker)
        return worker

    async def _bring_up(self, worker: Child) -> bool:
        """Return whether `worker` has come to serve; if it has not, it is gone."""
        try:
            _check(await worker.answer(), ConfigError)
            if self._feed:
                _check(await worker.ask(do="shadow", articles=self._feed.fileno()), ConfigError)
            if self._herald is None and not self._served:
                self._herald = worker
                _check(await worker.ask(do="listen"), ConfigError)
            await self._load(worker)
        except ChannelClosed:
            return False
        except (BundleError, ConfigError) as error:
            if not self._served:
                raise
            _LOG.error("worker pid=%s cannot serve: %s", _name(worker), error)
            worker.process.kill()
            return False
        self._served = True
        return True

    async def _load(self, worker: Child) -> None:
        """Load the model in force, which may change meanwhile; then `worker` is one of those that serve."""
        await self._chosen.wait()
        model: ModelVersion | None = None
        note: dict[str, Any] | None = None
        while model is not self.model or note is not self._note:
            model, note = self.model, self._note
            _check(await worker.ask(do="prepare", **_order(model)), BundleError)
            await worker.ask(do="commit")
            if note:
                await worker.ask(do="note", outcome=note)
        self._serving.add(worker)  # at once, so that no change of the model passes it by
        _check(await worker.ask(do="listen"), ConfigError)


def _name(worker: Child) -> str:
    return str(worker.process.pid)


def _order(model: ModelVersion) -> dict[str, str]:
    return {"version": model.version, "bundle": model.bundle}


def _check(answer: Mapping[str, Any], kind: type[FramingError]) -> None:
    if answer["problem"]:
        raise kind(answer["problem"])


async def _ask(worker: Child, **order: Any) -> dict[str, Any] | None:
    """Return the answer of `worker`, or None if it has gone; one that does not answer in time is made to go."""
    try:
        async with asyncio.timeout(ORDER_SECONDS):
            return await worker.ask(**order)
    except ChannelClosed:
        return None
    except TimeoutError:
        _LOG.error("worker pid=%s did not obey within %s s: it is killed", _name(worker), ORDER_SECONDS)
        worker.process.kill()
        return None
