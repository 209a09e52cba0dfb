"""The supervisor's side of shadow mode: keeps the challenger's process running. Its failures are no one else's."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any

from serving.child import ChannelClosed, Child
from serving.model_cache import ModelVersion
from serving.settings import Settings, flags

_RESTART_SECONDS = 5.0
_STOP_SECONDS = 2.0
_LOG = logging.getLogger("framing.serving")


class Challenger:
    """A process that answers articles in the background; `feed` is the socket on which workers drop them."""

    def __init__(self, settings: Settings, heard: Callable[[Any], None]) -> None:
        self._settings = settings
        self._heard = heard
        self._articles, self.feed = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._changed = asyncio.Event()
        self.model: ModelVersion | None = None

    def load(self, model: ModelVersion) -> None:
        """Shadow with `model` from now on."""
        self.model = model
        self._changed.set()

    async def keep_running(self) -> None:
        """Run a process for each model that is loaded, and another one where it has crashed."""
        await self._changed.wait()
        while self.model:
            self._changed.clear()
            child = await self._start()
            try:
                await self._shadow(child, self.model)
            finally:
                await child.stop(_STOP_SECONDS)

    async def _start(self) -> Child:
        number = self._articles.fileno()
        arguments = [str(number), *flags(self._settings)]
        return await Child.start("serving.shadow", arguments, inherited=[number], heard=self._heard)

    async def _shadow(self, child: Child, model: ModelVersion) -> None:
        """Return when there is another model, or when it is time for another process."""
        try:
            answer = await child.ask(version=model.version, bundle=model.bundle)
            problem = str(answer["problem"])
        except ChannelClosed:
            problem = "it has gone"
        if not problem:
            _LOG.info("in the shadow: model=%s", model.version)
            if await self._changes_before_the_end_of(child):
                return
            problem = f"it ended with {child.outcome}"
        _LOG.error("challenger model=%s does not shadow: %s", model.version, problem)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_RESTART_SECONDS):
                await self._changed.wait()

    async def _changes_before_the_end_of(self, child: Child) -> bool:
        """Wait for another model or for the end of `child`, and return whether it was the model."""
        tasks = [asyncio.create_task(child.ended()), asyncio.create_task(self._changed.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return not tasks[0].done()
        finally:
            for task in tasks:
                task.cancel()
