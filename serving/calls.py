"""How a call runs: counted, admitted, answered or refused with a status, and told of. Nothing of the text is logged."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Self, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2, status_pb2

from framing.errors import InvalidInput, Overloaded, StreamIdle, StreamTooLong
from serving.admission import Admission
from serving.settings import Settings
from serving.status import grpc_code, to_status, trailing_metadata
from serving.telemetry import Call, Method, Telemetry
from serving.turns import Turns

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Reply: TypeAlias = Message | bytes  # a message, or one that is serialised already

_IDLE_SECONDS, _LOOK_SECONDS = 1.0, 0.1
_MOST_UTF8 = 4  # bytes of a code point
_SLICE_SECONDS = 0.005  # in which articles may begin in one turn of the event loop
_ARTICLES, _REFUSALS = 4, 1  # that begin in a turn, of those that wait: so most of the time goes to articles
_STREAM_RETRY_SECONDS = 1.0
_MAKERS: dict[tuple[bool, bool], Callable[..., Handler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
_KINDS = {
    (False, False): "unary",
    (False, True): "server_stream",
    (True, False): "client_stream",
    (True, True): "bidi_stream",
}


class Malformed:
    """Bytes that are not the message they should be."""


class Calls:
    """The calls of a server, told to `telemetry`. `version` tells the version of the model that answers."""

    def __init__(self, settings: Settings, version: Callable[[], str], telemetry: Telemetry) -> None:
        self.admission = Admission(
            most_calls=settings.max_waiting,
            most_wait=settings.max_wait_seconds,
            most_bytes=settings.max_text * _MOST_UTF8,
        )
        self.articles = Turns(_SLICE_SECONDS, at_once=_ARTICLES)
        self._refusals = Turns(_SLICE_SECONDS / 2, at_once=_REFUSALS)
        self.closing = False
        self.telemetry = telemetry
        telemetry.gauges = lambda: {"waiting": self.admission.waiting, "open": self._open}
        self._settings = settings
        self._version = version
        self._open = 0
        self._streams = 0

    def unary(
        self,
        method: MethodDescriptor,
        call: Callable[[Any], Awaitable[Reply]],
        *,
        articles: Callable[[Any], int] = lambda _: 1,
    ) -> Handler:
        """Return the handler of `method`, which does `call`; `articles` counts those of a request."""

        async def answer(request: Any, context: Context) -> Reply:
            self._open += 1
            try:
                message = parsed(request)
                count = min(max(articles(message), 1), self._settings.max_batch)
                size = message.ByteSize()
                await self._admit(count, size, context.time_remaining())
                with self.admission.work(count, size):
                    return await call(message)
            finally:
                self._open -= 1

        return self._unary(method, answer)

    def probe(self, method: MethodDescriptor, call: Callable[[Any], Message]) -> Handler:
        """Return the handler of `method`, which costs nothing and is answered whatever the load."""

        async def answer(request: Any, context: Context) -> Reply:
            del context
            return call(parsed(request))

        return self._unary(method, answer)

    def stream(self, method: MethodDescriptor, call: Callable[[Any], Awaitable[Reply]]) -> Handler:
        """Return the handler of `method`, which does `call` for each request of a stream.

        A stream is refused when it opens or not at all; then each of its articles waits for its turn.
        """
        told = _told(method, "bidi_stream")

        async def handle(requests: AsyncIterator[Any], context: Context) -> None:
            with self._ending(told, context) as ending, self._stream():
                await self._admit(1, 0, context.time_remaining())
                await self._answer_all(requests, context, call)
            await ending.abort_if_failed()

        return grpc.stream_stream_rpc_method_handler(handle, _parser(method), _serialised)

    def refusal(self, path: str, handler: Handler, error: Exception) -> Handler:
        """Return a handler for the calls of `handler`, of the method at ``/service/method``, that answers `error`."""
        streaming = handler.request_streaming, handler.response_streaming
        _, service, name = path.split("/")
        told = Method(service, name, _KINDS[streaming])

        async def refuse(request: Any, context: Context) -> None:
            del request
            with self._ending(told, context) as ending:
                raise error
            await ending.abort_if_failed()

        return _MAKERS[streaming](refuse)

    async def idle(self) -> None:
        """Return when for a while no call has been open."""
        quiet = 0.0
        while quiet < _IDLE_SECONDS:
            await asyncio.sleep(_LOOK_SECONDS)
            quiet = 0.0 if self._open else quiet + _LOOK_SECONDS

    def _unary(self, method: MethodDescriptor, answer: Callable[[Any, Context], Awaitable[Reply]]) -> Handler:
        told = _told(method, "unary")

        async def handle(request: Any, context: Context) -> Reply | None:
            with self._ending(told, context) as ending:
                return await answer(request, context)
            await ending.abort_if_failed()
            return None

        return grpc.unary_unary_rpc_method_handler(handle, _parser(method), _serialised)

    def _ending(self, method: Method, context: Context) -> "Ending":
        return Ending(self.telemetry, self._version, self.telemetry.begin(method, context), context)

    async def _admit(self, articles: int, size: int, remaining: float | None) -> None:
        """As `Admission.check`; but to refuse waits for its turn too, or it is all that is done under overload."""
        try:
            self.admission.check(articles, size, remaining)
        except Overloaded:
            await self._refusals.take()
            raise

    async def _answer_all(
        self, requests: AsyncIterator[Any], context: Context, call: Callable[[Any], Awaitable[Reply]]
    ) -> None:
        count, now = 0, asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(self._settings.stream_idle_seconds) as limit:
                async for request in requests:
                    count += 1
                    if count > self._settings.max_stream:
                        raise StreamTooLong(f"expected at most {self._settings.max_stream} articles: open another")
                    with self.admission.work(1, 0 if isinstance(request, Malformed) else request.ByteSize()):
                        reply = await call(request)
                    await context.write(reply)
                    limit.reschedule(now() + self._settings.stream_idle_seconds)
        except TimeoutError as error:
            problem = f"expected a request, and its answer read, every {self._settings.stream_idle_seconds:g} s"
            raise StreamIdle(problem) from error

    @contextlib.contextmanager
    def _stream(self) -> Iterator[None]:
        """Count a stream as an open call; Overloaded if there are too many."""
        if self._streams >= self._settings.max_streams:
            raise Overloaded(f"expected at most {self._settings.max_streams} streams at once", _STREAM_RETRY_SECONDS)
        self._streams += 1
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._streams -= 1


class Ending:
    """Within it a call is answered; after it, all is told of how the call ended, and what was raised is its status.

    A class, since a generator's context costs every call more than its request to be read.
    """

    __slots__ = ("_call", "_context", "_status", "_telemetry", "_version")

    def __init__(self, telemetry: Telemetry, version: Callable[[], str], call: Call, context: Context) -> None:
        self._telemetry = telemetry
        self._version = version
        self._call = call
        self._context = context
        self._status: status_pb2.Status | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        code = code_pb2.OK
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            code = code_pb2.CANCELLED
        elif isinstance(error, Exception):  # the catch-all: to_status logs what it does not know
            self._status = to_status(error)
            code = self._status.code
            self._context.set_trailing_metadata((*trailing_metadata(self._status), *self._call.echo))
        self._telemetry.end(self._call, code, self._version())
        return self._status is not None

    async def abort_if_failed(self) -> None:
        """End the call with the status of what was raised, if something was."""
        if self._status:
            await self._context.abort(grpc_code(self._status), self._status.message)


def parsed(request: Any) -> Any:
    """Return `request`; InvalidInput if its bytes were no message."""
    if isinstance(request, Malformed):
        raise InvalidInput("REQUEST_MALFORMED", "", "expected a protocol buffer with UTF-8 strings, got other bytes")
    return request


def _told(method: MethodDescriptor, kind: str) -> Method:
    return Method(method.containing_service.full_name, method.name, kind)


def _parser(method: MethodDescriptor) -> Callable[[bytes], Message | Malformed]:
    """Return a deserialiser that keeps bad bytes for the handler to answer, with a reason, as bad input."""
    message = GetMessageClass(method.input_type)

    def parse(data: bytes) -> Message | Malformed:
        try:
            return message.FromString(data)
        except DecodeError:
            return Malformed()

    return parse


def _serialised(reply: Reply) -> bytes:
    return reply if isinstance(reply, bytes) else reply.SerializeToString()
