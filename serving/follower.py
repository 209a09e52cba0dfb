"""The supervisor's ear at the registry: keeps the process that follows it running, and passes its reports on."""

import asyncio
import contextlib
from collections.abc import Sequence

from serving.child import ChannelClosed, Child
from serving.settings import Settings
from serving.updates import Problem, Report, read_report

SOURCE = "serving.model_source"
_STOP_SECONDS = 2.0
_RESTART_SECONDS = 5.0


class Follower:
    """Reports about the addresses `models`, from the process `source`."""

    def __init__(self, settings: Settings, models: Sequence[str], source: str = SOURCE) -> None:
        self._models = models
        self._source = source
        self._reports: asyncio.Queue[Report] = asyncio.Queue()
        self._arguments = [
            *("--tracking-uri", settings.tracking_uri),
            *("--cache", str(settings.cache)),
            *("--interval", str(settings.registry_interval)),
            *(part for model in models for part in ("--model", model)),
        ]

    async def next(self, seconds: float | None = None) -> Report:
        """Return the next report; TimeoutError if there is none within `seconds`."""
        async with asyncio.timeout(seconds):
            return await self._reports.get()

    async def run(self) -> None:
        """Listen until every model is a pinned version that has been fetched."""
        while True:
            child = await Child.start(self._source, self._arguments)
            try:
                with contextlib.suppress(ChannelClosed):
                    while True:
                        self._reports.put_nowait(read_report(await child.answer()))
            finally:
                await child.stop(_STOP_SECONDS)
            if child.process.returncode == 0:
                return
            detail = f"the process that asks the registry ended with {child.outcome}"
            for model in self._models:
                self._reports.put_nowait(Report(model=model, problem=Problem.REGISTRY_UNAVAILABLE, detail=detail))
            await asyncio.sleep(_RESTART_SECONDS)
