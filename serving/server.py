"""The server's life: listen, load, serve, drain."""

import asyncio
import contextlib
import logging
import signal

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from framing.errors import ConfigError
from serving.model_loader import load_model
from serving.service import SERVICE, ClassificationService, rpc_handlers
from serving.settings import Settings

_LOG = logging.getLogger("framing.serving")
_SERVICES = ("", SERVICE.full_name)


class FramingServer:
    """A gRPC server with classification, health and, if set, reflection. `port` is known after `start`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.port = 0
        self.service = ClassificationService(settings)
        self._health = HealthServicer()
        self._server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),  # two servers on one port are a mistake, not a plan
                ("grpc.max_receive_message_length", settings.max_message_bytes),
                ("grpc.max_send_message_length", -1),
            ]
        )

    async def start(self) -> None:
        """Listen, health NOT_SERVING; ConfigError if the address cannot be had."""
        self._server.add_generic_rpc_handlers((rpc_handlers(self.service),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if self.settings.reflection:
            names = (SERVICE.full_name, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name)
            reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), self._server)
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        try:
            self.port = self._server.add_insecure_port(self.settings.address)
        except RuntimeError as error:
            raise ConfigError(f"FRAMING_ADDRESS: cannot listen on {self.settings.address}: is it taken?") from error
        await self._server.start()
        _LOG.info("listening on %s", self.settings.address)

    async def load(self) -> None:
        """Load the model; then health turns SERVING."""
        model = await load_model(self.settings)
        self.service.load(model)
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)
        _LOG.info("serving model=%s taxonomy=%s", model.version, model.taxonomy.version)

    async def drain(self) -> None:
        """Turn health NOT_SERVING, accept no more calls, let those in flight end."""
        _LOG.info("draining, at most %s s", self.settings.drain_seconds)
        await self._health.enter_graceful_shutdown()
        await self.service.close(self.settings.drain_seconds)
        await self._server.stop(self.settings.drain_seconds)

    async def _set_health(self, status: int) -> None:
        for service in _SERVICES:
            await self._health.set(service, status)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = FramingServer(settings)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await server.start()
    loading = asyncio.create_task(server.load())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((loading, stopping), return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            loading.result()
            await stopping
    finally:
        for task in (loading, stopping):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stopping
        await server.drain()
