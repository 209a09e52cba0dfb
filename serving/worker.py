"""A worker: one process that answers calls on the port of the server, with the model its supervisor names.

    python -m serving.worker FD [SETTINGS...]

FD is its end of a channel to the supervisor. It says first whether its settings will do. Then it obeys: ``listen``
opens the port; ``prepare`` loads, checks and warms a model beside the one in force, ``commit`` puts it in force,
``drop`` forgets it; ``note`` tells what became of the newest version; ``shadow`` names the socket for the challenger.
It ends when told to by a signal, or when the supervisor has gone; the calls it has accepted are answered first.
"""

import asyncio
import contextlib
import ctypes
import gc
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from framing.errors import FramingError
from framing.model import FramingModel
from serving.child import Channel, ChannelClosed
from serving.logs import start_logging
from serving.model_loader import open_model
from serving.server import FramingServer
from serving.settings import Settings, load_settings
from serving.shadow import ShadowFeed
from serving.telemetry import make_telemetry
from serving.updates import read_outcome

EXIT_REFUSED = 2
REPORT_SECONDS = 1.0


class Worker:
    """A server that does what its supervisor says."""

    def __init__(self, settings: Settings) -> None:
        self.server = FramingServer(settings, make_telemetry(settings), shared_port=True)
        self._prepared: FramingModel | None = None

    async def obey(self, channel: Channel) -> None:
        """Carry out orders until the supervisor has gone."""
        with contextlib.suppress(ChannelClosed):
            while True:
                order = await channel.receive()
                channel.send({"problem": await self._carry_out(order)})

    async def report(self, channel: Channel) -> None:
        """Tell the supervisor again and again what has been counted here."""
        while True:
            channel.send({"report": self.server.telemetry.message()})
            await asyncio.sleep(REPORT_SECONDS)

    async def _carry_out(self, order: dict[str, Any]) -> str:
        """Carry out one order and return why it could not be, or nothing."""
        try:
            match order["do"]:
                case "listen" if not self.server.port:
                    await self.server.start()
                case "prepare":
                    self._prepared = await asyncio.to_thread(open_model, Path(order["bundle"]), order["version"])
                case "commit" if self._prepared:
                    await self.server.serve_model(self._prepared)
                    self._prepared = None
                    _free_memory()
                case "drop":
                    self._prepared = None
                case "shadow":
                    articles = socket.socket(fileno=order["articles"])
                    self.server.service.shadow = ShadowFeed(articles, self.server.settings.shadow_share)
                case "note":
                    self.server.service.note(read_outcome(order["outcome"]))
        except FramingError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with a new model, the one in force stays
            return repr(error)
        return ""


async def work(settings: Settings, end: socket.socket) -> int:
    """Work until told to stop and return the exit code."""
    channel, stop = await Channel.over(end), asyncio.Event()
    _on_signals(stop.set)
    try:
        worker = Worker(settings)
    except FramingError as error:
        channel.send({"problem": str(error)})
        return EXIT_REFUSED
    channel.send({"problem": ""})
    tasks = [asyncio.create_task(stop.wait()), asyncio.create_task(worker.obey(channel))]
    reporting = asyncio.create_task(worker.report(channel)) if settings.metrics_address else None
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await worker.server.drain()
    if reporting:
        reporting.cancel()
    for task in done:
        task.result()
    return 0


def _on_signals(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


def _free_memory() -> None:
    """Free what is garbage now, and give what is free back to the system, which glibc does only when it is told to.

    The collector never looks at the rest again: calls would wait for it. What is left are modules and the model, which
    goes by reference counting alone.
    """
    gc.collect()
    gc.freeze()
    with contextlib.suppress(AttributeError):  # other libraries than glibc
        ctypes.CDLL(None).malloc_trim(0)


def main() -> None:
    """Work for the supervisor at the other end of the channel that the command line names."""
    end, settings = socket.socket(fileno=int(sys.argv[1])), load_settings(sys.argv[2:])
    start_logging(settings)
    sys.exit(asyncio.run(work(settings, end)))


if __name__ == "__main__":
    main()
