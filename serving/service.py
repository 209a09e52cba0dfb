"""framing.v1.ClassificationService: each call from request to reply."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2, status_pb2

from framing.errors import InvalidInput, ModelUnavailable, Overloaded, ShuttingDown
from framing.model import FramingModel
from framing.v1 import classification_service_pb2 as pb
from serving.messages import (
    check_batch,
    read_article,
    read_options,
    require_article,
    write_classification,
    write_model_info,
)
from serving.settings import Settings
from serving.status import grpc_code, to_status, trailing_metadata

SERVICE = pb.DESCRIPTOR.services_by_name["ClassificationService"]

_QUIET = 0.1
_LOG = logging.getLogger("framing.serving")
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model and since when it answers."""

    model: FramingModel
    since: datetime


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that are not the message they should be."""

    problem: str


class ClassificationService:
    """The calls. `load` puts a model in force; until then they answer UNAVAILABLE."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: LoadedModel | None = None
        self._waiting = 0
        self._open = 0
        self._closing = False

    def load(self, model: FramingModel) -> None:
        """Answer with `model` from now on."""
        self._loaded = LoadedModel(model, datetime.now(UTC))

    async def classify_article(self, request: pb.ClassifyArticleRequest) -> pb.ClassifyArticleResponse:
        """Classify one article."""
        return pb.ClassifyArticleResponse(classification=self._classify(request, self._model()))

    async def batch_classify_articles(
        self, request: pb.BatchClassifyArticlesRequest
    ) -> pb.BatchClassifyArticlesResponse:
        """Classify articles, all or none, all with one model."""
        check_batch(len(request.articles), self._settings.max_batch)
        evidence, encoding = read_options(request.options)
        model, limit = self._model(), self._settings.max_text
        articles = [
            read_article(article, f"articles[{index}]", max_text=limit)
            for index, article in enumerate(request.articles)
        ]
        reply = pb.BatchClassifyArticlesResponse()
        for article in articles:
            answer = model.classify(article, evidence=evidence)
            reply.classifications.append(write_classification(answer, article, model, encoding))
            await asyncio.sleep(0)  # other calls, health among them, are answered in between
        return reply

    async def stream_classify_article(
        self, request: pb.StreamClassifyArticlesRequest | Malformed
    ) -> pb.StreamClassifyArticlesResponse:
        """Classify one article of a stream; what is wrong with it stands in its place."""
        try:
            return pb.StreamClassifyArticlesResponse(classification=self._classify(_parsed(request), self._model()))
        except InvalidInput as error:
            return pb.StreamClassifyArticlesResponse(error=to_status(error))

    async def get_model_info(self, request: pb.GetModelInfoRequest) -> pb.GetModelInfoResponse:
        """Tell which model answers."""
        del request
        loaded = self._loaded_model()
        return write_model_info(loaded.model, loaded.since)

    @contextlib.contextmanager
    def call(self) -> Iterator[None]:
        """Count a call as open; ShuttingDown if the server takes no more."""
        if self._closing:
            raise ShuttingDown("the server is shutting down: try again elsewhere")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def close(self, seconds: float) -> None:
        """Take no more calls, and return when those that are open have ended, after `seconds` at the latest.

        gRPC's own shutdown cancels calls that have arrived but not been handed over yet; so it comes
        only after a quiet moment, in which late calls are refused in a way that clients retry.
        """
        self._closing = True
        deadline = time.monotonic() + seconds
        while self._open and time.monotonic() < deadline:
            await asyncio.sleep(_QUIET)
        await asyncio.sleep(_QUIET)

    async def admit(self) -> None:
        """Take a place among the calls that wait for an answer; Overloaded if there is none."""
        if self._waiting >= self._settings.max_waiting:
            raise Overloaded(f"expected at most {self._settings.max_waiting} calls at once: try again later")
        self._waiting += 1
        await asyncio.sleep(0)  # calls that have arrived are counted before work begins

    def leave(self) -> None:
        """Give the place up."""
        self._waiting -= 1

    def model_version(self) -> str:
        """Return the version of the model in force, empty if there is none."""
        return self._loaded.model.version if self._loaded else ""

    def _classify(
        self, request: pb.ClassifyArticleRequest | pb.StreamClassifyArticlesRequest, model: FramingModel
    ) -> pb.Classification:
        article = read_article(require_article(request), "article", max_text=self._settings.max_text)
        evidence, encoding = read_options(request.options)
        return write_classification(model.classify(article, evidence=evidence), article, model, encoding)

    def _model(self) -> FramingModel:
        return self._loaded_model().model

    def _loaded_model(self) -> LoadedModel:
        if self._loaded is None:
            raise ModelUnavailable("no model is loaded yet: try again later")
        return self._loaded


def rpc_handlers(service: ClassificationService) -> grpc.GenericRpcHandler:
    """Return the handlers of every method of the service, for a `grpc.aio` server."""
    calls: dict[str, Callable[[Any], Awaitable[Message]]] = {
        "ClassifyArticle": service.classify_article,
        "BatchClassifyArticles": service.batch_classify_articles,
        "GetModelInfo": service.get_model_info,
    }
    handlers = {name: _unary(service, name, call) for name, call in calls.items()}
    handlers["StreamClassifyArticles"] = grpc.stream_stream_rpc_method_handler(
        _stream(service), _parser("StreamClassifyArticles"), _serialiser("StreamClassifyArticles")
    )
    return grpc.method_handlers_generic_handler(SERVICE.full_name, handlers)


def _unary(
    service: ClassificationService, name: str, call: Callable[[Any], Awaitable[Message]]
) -> "grpc.RpcMethodHandler[Any, Any]":
    async def handle(request: Message | Malformed, context: Context) -> Message:
        begin, status = time.perf_counter(), status_pb2.Status()
        try:
            with service.call():
                await service.admit()
                try:
                    return await call(_parsed(request))
                finally:
                    service.leave()
        except asyncio.CancelledError:
            status = status_pb2.Status(code=code_pb2.CANCELLED)
            raise
        except Exception as error:  # noqa: BLE001  # the catch-all: to_status logs what it does not know
            status = to_status(error)
        finally:
            _log_call(name, status, begin, service.model_version())
        await context.abort(grpc_code(status), status.message, trailing_metadata(status))
        raise AssertionError("abort returns by raising")

    return grpc.unary_unary_rpc_method_handler(handle, _parser(name), _serialiser(name))


def _stream(service: ClassificationService) -> Callable[[AsyncIterator[Any], Context], AsyncIterator[Message]]:
    async def handle(requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Message]:
        begin, status = time.perf_counter(), status_pb2.Status()
        try:
            with service.call():
                async for request in requests:
                    await service.admit()
                    try:
                        reply = await service.stream_classify_article(request)
                    finally:
                        service.leave()
                    yield reply
        except (asyncio.CancelledError, GeneratorExit):
            status = status_pb2.Status(code=code_pb2.CANCELLED)
            raise
        except Exception as error:  # noqa: BLE001  # the catch-all: to_status logs what it does not know
            status = to_status(error)
        finally:
            _log_call("StreamClassifyArticles", status, begin, service.model_version())
        if status.code:
            await context.abort(grpc_code(status), status.message, trailing_metadata(status))

    return handle


def _parser(method: str) -> Callable[[bytes], Message | Malformed]:
    """Return a deserialiser that keeps bad bytes for the handler to answer, with a reason, as bad input."""
    message = GetMessageClass(SERVICE.methods_by_name[method].input_type)

    def parse(data: bytes) -> Message | Malformed:
        try:
            return message.FromString(data)
        except DecodeError as error:
            return Malformed(str(error))

    return parse


def _serialiser(method: str) -> Callable[[Message], bytes]:
    serialise: Callable[[Message], bytes] = GetMessageClass(
        SERVICE.methods_by_name[method].output_type
    ).SerializeToString
    return serialise


def _parsed(request: Any) -> Any:
    if isinstance(request, Malformed):
        raise InvalidInput("REQUEST_MALFORMED", "", "expected a protocol buffer with UTF-8 strings: " + request.problem)
    return request


def _log_call(method: str, status: status_pb2.Status, begin: float, version: str) -> None:
    milliseconds = (time.perf_counter() - begin) * 1000
    code = code_pb2.Code.Name(status.code)
    _LOG.info("method=%s code=%s ms=%.2f model=%s", method, code, milliseconds, version)
