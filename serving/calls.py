"""How a call runs: counted, admitted, answered or refused with a status, and logged. Nothing of the text is logged."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2, status_pb2

from framing.errors import InvalidInput, Overloaded, ShuttingDown, StreamIdle, StreamTooLong
from serving.admission import Admission
from serving.settings import Settings
from serving.status import grpc_code, to_status, trailing_metadata

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_QUIET = 0.1
_MOST_UTF8 = 4  # bytes of a code point
_STREAM_RETRY_SECONDS = 1.0
_MAKERS: dict[tuple[bool, bool], Callable[..., Handler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
_LOG = logging.getLogger("framing.serving")


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that are not the message they should be."""

    problem: str


class Calls:
    """The calls of a server. `version` tells the version of the model that answers, for the log."""

    def __init__(self, settings: Settings, version: Callable[[], str]) -> None:
        self.admission = Admission(
            most_calls=settings.max_waiting,
            most_wait=settings.max_wait_seconds,
            most_bytes=settings.max_text * _MOST_UTF8,
        )
        self.closing = False
        self._settings = settings
        self._version = version
        self._open = 0
        self._streams = 0

    def unary(
        self,
        method: MethodDescriptor,
        call: Callable[[Any], Awaitable[Message]],
        *,
        articles: Callable[[Any], int] = lambda _: 1,
    ) -> Handler:
        """Return the handler of `method`, which does `call`; `articles` counts those of a request."""

        async def answer(request: Any, context: Context) -> Message:
            with self._call():
                message = parsed(request)
                count = min(max(articles(message), 1), self._settings.max_batch)
                size = message.ByteSize()
                self.admission.check(count, size, context.time_remaining())
                with self.admission.work(count, size):
                    await asyncio.sleep(0)  # calls that have arrived are counted before work begins
                    return await call(message)

        return self._unary(method, answer)

    def probe(self, method: MethodDescriptor, call: Callable[[Any], Message]) -> Handler:
        """Return the handler of `method`, which costs nothing and is answered whatever the load."""

        async def answer(request: Any, context: Context) -> Message:
            del context
            return call(parsed(request))

        return self._unary(method, answer)

    def stream(self, method: MethodDescriptor, call: Callable[[Any], Awaitable[Message]]) -> Handler:
        """Return the handler of `method`, which does `call` for each request of a stream.

        A stream is refused when it opens or not at all; then each of its articles waits for its turn.
        """

        async def handle(requests: AsyncIterator[Any], context: Context) -> None:
            with self._status(method.name) as status, self._call(), self._stream():
                self.admission.check(1, 0, context.time_remaining())
                await self._answer_all(requests, context, call)
            await _abort_if_failed(context, status)

        return grpc.stream_stream_rpc_method_handler(handle, _parser(method), _serialiser(method))

    def refusal(self, method: str, handler: Handler, error: Exception) -> Handler:
        """Return a handler for the calls of `handler` that answers each with `error`."""

        async def refuse(request: Any, context: Context) -> None:
            del request
            with self._status(method) as status:
                raise error
            await _abort_if_failed(context, status)

        return _MAKERS[handler.request_streaming, handler.response_streaming](refuse)

    async def close(self, seconds: float) -> None:
        """Take no more calls, and return when those that are open have ended, after `seconds` at the latest.

        gRPC's own shutdown cancels calls that have arrived but not been handed over yet; so it comes
        only after a quiet moment, in which late calls are refused in a way that clients retry.
        """
        self.closing = True
        deadline = time.monotonic() + seconds
        while self._open and time.monotonic() < deadline:
            await asyncio.sleep(_QUIET)
        await asyncio.sleep(_QUIET)

    def log(self, method: str, status: status_pb2.Status, begin: float) -> None:
        """Log one line about a call of `method` that began at `begin` and ended with `status`."""
        milliseconds = (time.perf_counter() - begin) * 1000
        code = code_pb2.Code.Name(status.code)
        _LOG.info("method=%s code=%s ms=%.2f model=%s", method, code, milliseconds, self._version())

    def _unary(self, method: MethodDescriptor, answer: Callable[[Any, Context], Awaitable[Message]]) -> Handler:
        async def handle(request: Any, context: Context) -> Message | None:
            with self._status(method.name) as status:
                return await answer(request, context)
            await _abort_if_failed(context, status)
            return None

        return grpc.unary_unary_rpc_method_handler(handle, _parser(method), _serialiser(method))

    async def _answer_all(
        self, requests: AsyncIterator[Any], context: Context, call: Callable[[Any], Awaitable[Message]]
    ) -> None:
        count, now = 0, asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(self._settings.stream_idle_seconds) as limit:
                async for request in requests:
                    count += 1
                    if count > self._settings.max_stream:
                        raise StreamTooLong(f"expected at most {self._settings.max_stream} articles: open another")
                    with self.admission.work(1, 0 if isinstance(request, Malformed) else request.ByteSize()):
                        await asyncio.sleep(0)
                        reply = await call(request)
                    await context.write(reply)
                    limit.reschedule(now() + self._settings.stream_idle_seconds)
        except TimeoutError as error:
            problem = f"expected a request, and its answer read, every {self._settings.stream_idle_seconds:g} s"
            raise StreamIdle(problem) from error

    @contextlib.contextmanager
    def _status(self, method: str) -> Iterator[status_pb2.Status]:
        """Yield a status that tells, when the block has ended, how; log it. What the block raised is in it."""
        begin, status = time.perf_counter(), status_pb2.Status()
        try:
            yield status
        except (asyncio.CancelledError, GeneratorExit):
            status.code = code_pb2.CANCELLED
            raise
        except Exception as error:  # noqa: BLE001  # the catch-all: to_status logs what it does not know
            status.CopyFrom(to_status(error))
        finally:
            self.log(method, status, begin)

    @contextlib.contextmanager
    def _call(self) -> Iterator[None]:
        """Count a call as open; ShuttingDown if the server takes no more."""
        if self.closing:
            raise ShuttingDown("the server is shutting down: try again elsewhere")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    @contextlib.contextmanager
    def _stream(self) -> Iterator[None]:
        """Count a stream as open; Overloaded if there are too many."""
        if self._streams >= self._settings.max_streams:
            raise Overloaded(f"expected at most {self._settings.max_streams} streams at once", _STREAM_RETRY_SECONDS)
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1


def parsed(request: Any) -> Any:
    """Return `request`; InvalidInput if its bytes were no message."""
    if isinstance(request, Malformed):
        raise InvalidInput("REQUEST_MALFORMED", "", "expected a protocol buffer with UTF-8 strings: " + request.problem)
    return request


async def _abort_if_failed(context: Context, status: status_pb2.Status) -> None:
    if status.code:
        await context.abort(grpc_code(status), status.message, trailing_metadata(status))


def _parser(method: MethodDescriptor) -> Callable[[bytes], Message | Malformed]:
    """Return a deserialiser that keeps bad bytes for the handler to answer, with a reason, as bad input."""
    message = GetMessageClass(method.input_type)

    def parse(data: bytes) -> Message | Malformed:
        try:
            return message.FromString(data)
        except DecodeError as error:
            return Malformed(str(error))

    return parse


def _serialiser(method: MethodDescriptor) -> Callable[[Message], bytes]:
    serialise: Callable[[Message], bytes] = GetMessageClass(method.output_type).SerializeToString
    return serialise
