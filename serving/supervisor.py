"""The supervisor: keeps workers running on one port, and tells them which model to serve.

It imports neither gRPC nor numpy nor mlflow, answers no calls and reads no model, so that it outlives them all.
"""

import asyncio
import logging
import os
import signal
from dataclasses import replace
from typing import Any

from framing.errors import BundleError, ConfigError, FramingError
from serving.child import ChannelClosed, Child
from serving.crashes import Crashes
from serving.follower import ModelVersion, find_model
from serving.port import held_port
from serving.settings import Settings, flags

KILL_AFTER = 5.0  # on top of the time that calls in flight get
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"}  # small products; threads would only cost memory
_LOG = logging.getLogger("framing.serving")


class Supervisor:
    """Runs `settings.workers` workers until `run` is cancelled."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._workers: set[Child] = set()
        self._crashes = Crashes(settings.most_crashes)
        self._model: asyncio.Future[ModelVersion] = asyncio.get_running_loop().create_future()
        self._served = False
        self._stopping = False

    async def run(self) -> None:
        """Supervise. Raises ConfigError, ModelError or CrashLoop if there is no going on."""
        with held_port(self._settings.address) as address:
            self._settings = replace(self._settings, address=address)
            tasks = [asyncio.create_task(self._keep_worker()) for _ in range(self._settings.workers)]
            tasks.append(asyncio.create_task(self._find_model()))
            try:
                await asyncio.gather(*tasks)
            finally:
                self._stopping = True
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await self._stop_workers()

    async def _find_model(self) -> None:
        self._model.set_result(await find_model(self._settings))

    async def _keep_worker(self) -> None:
        """Keep one worker running: start it, load it, and when it has crashed start another."""
        while True:
            worker = await Child.start(
                "serving.worker", flags(self._settings), environment={**_ENVIRONMENT, **os.environ}
            )
            self._workers.add(worker)
            served = await self._bring_up(worker)
            reason = await worker.ended()
            self._workers.discard(worker)
            pause = self._crashes.add(reason, served=served)
            _LOG.error("worker pid=%s crashed: %s; the next one starts in %.1f s", worker.process.pid, reason, pause)
            await asyncio.sleep(pause)

    async def _bring_up(self, worker: Child) -> bool:
        """Return whether `worker` has come to serve; if it has not, it is gone."""
        try:
            _check(await worker.channel.receive(), ConfigError)
            _LOG.info("worker pid=%s listens on %s", worker.process.pid, self._settings.address)
            model = await asyncio.shield(self._model)
            _check(await worker.ask(do="prepare", version=model.version, bundle=str(model.bundle)), BundleError)
            await worker.ask(do="commit")
        except ChannelClosed:
            return False
        except (BundleError, ConfigError) as error:
            if not self._served:
                raise
            _LOG.error("worker pid=%s cannot serve: %s", worker.process.pid, error)
            worker.process.kill()
            return False
        self._served = True
        return True

    async def _stop_workers(self) -> None:
        seconds = self._settings.drain_seconds + KILL_AFTER
        await asyncio.gather(*(worker.stop(seconds) for worker in self._workers))


def _check(answer: dict[str, Any], kind: type[FramingError]) -> None:
    if answer["problem"]:
        raise kind(answer["problem"])


async def supervise(settings: Settings) -> None:
    """Supervise until SIGTERM or SIGINT; then let the workers drain."""
    running = asyncio.current_task()
    if running is None:
        raise RuntimeError("expected to run in a task")
    stopped = False

    def stop() -> None:
        nonlocal stopped
        if not stopped:
            stopped = True
            running.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await Supervisor(settings).run()
    except asyncio.CancelledError:
        if not stopped:
            raise
        _LOG.info("stopped")
