"""inference.GRPCInferenceService, the Open Inference Protocol: each call from request to reply."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from framing.errors import ModelUnavailable
from serving.calls import Handler
from serving.inference import open_inference_grpc_pb2 as oip
from serving.service import ClassificationService
from serving.settings import Settings
from serving.tensors import SERVER_NAME, check_served, is_served, read_inference, write_inference, write_metadata

SERVICE = oip.DESCRIPTOR.services_by_name["GRPCInferenceService"]


class OpenInferenceService:
    """The calls, answered with the model of `service`."""

    def __init__(self, service: ClassificationService, settings: Settings) -> None:
        self._service = service
        self._settings = settings

    def server_live(self, request: oip.ServerLiveRequest) -> oip.ServerLiveResponse:
        """Tell that the server runs."""
        del request
        return oip.ServerLiveResponse(live=True)

    def server_ready(self, request: oip.ServerReadyRequest) -> oip.ServerReadyResponse:
        """Tell whether a model answers."""
        del request
        return oip.ServerReadyResponse(ready=self._ready())

    def model_ready(self, request: oip.ModelReadyRequest) -> oip.ModelReadyResponse:
        """Tell whether this model and version answers."""
        served = self._ready() and is_served(self._service.model(), request.name, request.version)
        return oip.ModelReadyResponse(ready=served)

    def server_metadata(self, request: oip.ServerMetadataRequest) -> oip.ServerMetadataResponse:
        """Tell which server this is."""
        from importlib.metadata import version  # it costs a start more than all else of this file

        del request
        return oip.ServerMetadataResponse(name=SERVER_NAME, version=version(SERVER_NAME))

    def model_metadata(self, request: oip.ModelMetadataRequest) -> oip.ModelMetadataResponse:
        """Tell the inputs and outputs of the model; NotServed if it is not the one that answers."""
        model = self._service.model()
        check_served(model, request.name, request.version, field="")
        return write_metadata(model)

    async def model_infer(self, request: oip.ModelInferRequest) -> oip.ModelInferResponse:
        """Classify the articles in the tensors, all or none, all with one model."""
        model = self._service.model()
        check_served(model, request.model_name, request.model_version, field="model_")
        articles = read_inference(request, most=self._settings.max_batch, max_text=self._settings.max_text)
        self._service.telemetry.counts.batch(len(articles))
        answers = [await self._service.answer(article, model, evidence=0) for article in articles]
        return write_inference(request, model, answers)

    def _ready(self) -> bool:
        try:
            self._service.model()
        except ModelUnavailable:
            return False
        return not self._service.calls.closing


def open_inference_handlers(service: ClassificationService, settings: Settings) -> dict[str, Handler]:
    """Return the handlers of every method of the protocol, by name, for a `grpc.aio` server."""
    calls, methods = service.calls, SERVICE.methods_by_name
    inference = OpenInferenceService(service, settings)
    probes: dict[str, Callable[[Any], Message]] = {
        "ServerLive": inference.server_live,
        "ServerReady": inference.server_ready,
        "ModelReady": inference.model_ready,
        "ServerMetadata": inference.server_metadata,
        "ModelMetadata": inference.model_metadata,
    }
    handlers = {name: calls.probe(methods[name], call) for name, call in probes.items()}
    handlers["ModelInfer"] = calls.unary(methods["ModelInfer"], inference.model_infer, articles=_rows)
    return handlers


def _rows(request: oip.ModelInferRequest) -> int:
    """Return how many articles a request says it has; what is wrong with it is said later."""
    return max((tensor.shape[0] for tensor in request.inputs if tensor.shape), default=0)
