"""A server on a real port, in a thread of its own, for tests."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from serving.model_loader import open_model
from serving.server import FramingServer
from serving.settings import Settings
from serving.telemetry import Telemetry


@contextlib.contextmanager
def running_server(
    settings: Settings, *, load: bool = True, telemetry: Telemetry | None = None
) -> Iterator[FramingServer]:
    """Yield a server that listens, with the model of `settings.bundle` unless `load` is false."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def make() -> FramingServer:
        server = FramingServer(settings, telemetry)
        await server.start()
        return server

    server = asyncio.run_coroutine_threadsafe(make(), loop).result(30)
    try:
        if load:
            model = open_model(Path(settings.bundle))
            asyncio.run_coroutine_threadsafe(server.serve_model(model), loop).result(30)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.drain(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
