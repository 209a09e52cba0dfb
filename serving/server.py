"""The server's life: listen, serve a model, drain."""

import asyncio
import logging
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from framing import compiled
from framing.model import FramingModel
from serving.accepting import aio_server
from serving.open_inference import SERVICE as INFERENCE
from serving.open_inference import open_inference_handlers
from serving.service import SERVICE, ClassificationService, rpc_handlers
from serving.settings import Settings
from serving.telemetry import Telemetry
from serving.transport import channel_options, listen

_LOG = logging.getLogger("framing.serving")
_SPARE = 256  # calls taken in one turn beyond those that may wait: they are refused at once
_SERVICES = ("", SERVICE.full_name, INFERENCE.full_name)
_SHORT = (f"/{SERVICE.full_name}/ClassifyArticle",)
_BUSY = (*_SHORT, f"/{INFERENCE.full_name}/ModelInfer")


class FramingServer:
    """A gRPC server with classification, health and, if set, reflection. `port` is known after `start`.

    With `shared_port` other processes may listen on the port too: workers do, under a supervisor that holds it.
    """

    def __init__(self, settings: Settings, telemetry: Telemetry | None = None, *, shared_port: bool = False) -> None:
        self.settings = settings
        self.telemetry = telemetry or Telemetry()
        self.port = 0
        self.service = ClassificationService(settings, self.telemetry)
        self._health = HealthServicer()
        self._server = aio_server(
            options=[
                ("grpc.so_reuseport", int(shared_port)),  # by default two servers would share a port silently
                *channel_options(settings),
            ],
            interceptors=self._interceptors(),
            most=dict.fromkeys(_BUSY, settings.max_waiting + _SPARE),
            short=_SHORT,
        )

    async def start(self) -> None:
        """Listen, health NOT_SERVING without a model; ConfigError if the address cannot be had."""
        self._add_services()
        if not self.service.model_version():
            await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        self.port = listen(self._server, self.settings)
        await self._server.start()
        _LOG.info("listening on %s, %s", self.settings.address, "compiled" if compiled.COMPILED else "in pure Python")

    async def serve_model(self, model: FramingModel) -> None:
        """Answer with `model` from now on, health SERVING; a call that has begun ends with the model it began with."""
        self.service.load(model)
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)
        _LOG.info("serving model=%s taxonomy=%s", model.version, model.taxonomy.version)

    async def drain(self) -> None:
        """Turn health NOT_SERVING, listen no more, send clients elsewhere, and let the calls that were taken end.

        Clients are told at once (GOAWAY), so that none waits here for a call of another to end.
        """
        _LOG.info("draining, at most %s s", self.settings.drain_seconds)
        await self._health.enter_graceful_shutdown()
        self.service.calls.closing = True
        stopping = asyncio.create_task(self._server.stop(self.settings.drain_seconds))
        idle = asyncio.create_task(self.service.calls.idle())
        await asyncio.wait((stopping, idle), return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        await self._server.stop(None)  # what is left are streams of others that watch the health
        await stopping
        self.telemetry.close()

    def _interceptors(self) -> list[grpc.aio.ServerInterceptor]:
        if not self.settings.tokens:
            return []
        from serving.access import Guard, TokenFile  # imported only where it is wanted: it delays a start

        return [Guard(TokenFile(Path(self.settings.tokens)), self.service.calls)]

    def _add_services(self) -> None:
        server = self._server
        server.add_registered_method_handlers(SERVICE.full_name, rpc_handlers(self.service))
        inference = open_inference_handlers(self.service, self.settings)
        server.add_registered_method_handlers(INFERENCE.full_name, inference)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if self.settings.reflection:
            from grpc_reflection.v1alpha import reflection  # imported only where it is wanted: it delays a start

            health = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
            reflection.enable_server_reflection((*_SERVICES[1:], health, reflection.SERVICE_NAME), server)

    async def _set_health(self, status: int) -> None:
        for service in _SERVICES:
            await self._health.set(service, status)
