"""The server's life: listen, serve a model, drain."""

import logging
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from framing.errors import ConfigError
from framing.model import FramingModel
from serving.service import SERVICE, ClassificationService, rpc_handlers
from serving.settings import Settings

_LOG = logging.getLogger("framing.serving")
_LEAST_GRACE = 0.5
_SERVICES = ("", SERVICE.full_name)


class FramingServer:
    """A gRPC server with classification, health and, if set, reflection. `port` is known after `start`.

    With `shared_port` other processes may listen on the port too: workers do, under a supervisor that holds it.
    """

    def __init__(self, settings: Settings, *, shared_port: bool = False) -> None:
        self.settings = settings
        self.port = 0
        self.service = ClassificationService(settings)
        self._health = HealthServicer()
        self._server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", int(shared_port)),  # by default two servers would share a port silently
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

    async def serve_model(self, model: FramingModel) -> None:
        """Answer with `model` from now on, health SERVING; a call that has begun ends with the model it began with."""
        self.service.load(model)
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)
        _LOG.info("serving model=%s taxonomy=%s", model.version, model.taxonomy.version)

    async def drain(self) -> None:
        """Turn health NOT_SERVING, accept no more calls, let those in flight end."""
        _LOG.info("draining, at most %s s", self.settings.drain_seconds)
        await self._health.enter_graceful_shutdown()
        deadline = time.monotonic() + self.settings.drain_seconds
        await self.service.close(self.settings.drain_seconds)
        await self._server.stop(max(_LEAST_GRACE, deadline - time.monotonic()))

    async def _set_health(self, status: int) -> None:
        for service in _SERVICES:
            await self._health.set(service, status)
