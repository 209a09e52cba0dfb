"""A `grpc.aio` server that takes all calls that have arrived, that no call can end, and that spares short calls.

grpcio 1.85 takes the calls of a method one by one, between turns of the event loop: while it works, calls queue where
nobody counts them, so overload is never seen. And it decodes the paths of calls to unknown methods in the loop that
takes calls: one path that is not UTF-8 ends the whole server. And when it stops, it cancels the calls that have arrived
but not been taken yet, which no client tries again. Here each method has many calls under way to be taken, a call to an
unknown method is answered without a look at its path, and what has arrived is taken before the server stops.

It also gives each call two tasks, an order that tells when its caller has gone, and each event of the core a turn of
the event loop of its own; to do nothing costs more than to classify an article. Here a short call is answered by the
task that took it, and all events that have come are dealt with in one turn: an empty call costs a third.

This uses what grpcio keeps to itself; tests of fuzzing, overload, draining and accepting tell when it changes.
"""

import array
import asyncio
import fcntl
import os
import termios
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # grpcio has no types for it

_OTHERS = 4  # calls under way to be taken for a method of which nothing is said
_NO_FLAGS = 0
_LAST = 512  # calls more of each method that are taken when the server stops
_MOST_OPEN = 2048  # short calls of a method that are open at once: what comes beyond them waits in the core


def aio_server(
    options: Sequence[tuple[str, Any]],
    interceptors: Sequence[grpc.aio.ServerInterceptor],
    most: Mapping[str, int],
    short: Collection[str] = (),
) -> grpc.aio.Server:
    """Return a server that takes up to `most` calls of a ``/service/method`` in one turn of the event loop.

    A call of a `short` method, unary, is carried out though its caller may have gone, and as many more are taken as are
    open: one that waits to be refused keeps none out that could be answered. Only methods added by
    `add_registered_method_handlers` are answered; others are UNIMPLEMENTED.
    """
    server: Any = grpc.aio.server(options=list(options), interceptors=list(interceptors))
    server._server = _Acceptor(server._loop, None, (), list(interceptors) or None, tuple(options), None)
    server._server.begin(server._loop, tuple(interceptors), most, frozenset(short))
    _take_events_together(server._loop)
    typed: grpc.aio.Server = server
    return typed


class _Acceptor(cygrpc.AioServer):  # type: ignore[misc]  # as above
    """The core of a server. Its own loop sleeps until the server ends; `_accept` takes the calls."""

    def begin(
        self,
        loop: asyncio.AbstractEventLoop,
        interceptors: tuple[Any, ...],
        most: Mapping[str, int],
        short: Collection[str],
    ) -> None:
        self._events = loop
        self._chain = interceptors
        self._most = most
        self._short = short
        self._handlers: dict[str, Any] = {}
        self._resolver = cygrpc._MethodResolver([], self._handlers)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._open: Counter[str] = Counter()
        self._ended: dict[bytes | None, asyncio.Future[None]] = {}
        self._ends = False

    def add_registered_method_handlers(self, handlers: dict[str, Any]) -> None:
        safe = {path: handler._replace(request_deserializer=_safe(handler)) for path, handler in handlers.items()}
        super().add_registered_method_handlers(safe)
        self._handlers.update(safe)

    async def shutdown(self, grace: float | None) -> None:
        """Listen no more, tell clients to go elsewhere, and give the calls that have arrived `grace` seconds to end."""
        if not self._ends:
            self._ends = True
            for method in filter(None, self._ended):
                self._take(method, _LAST)
            await asyncio.sleep(0)
        await super().shutdown(grace)

    def _make_request_call_future(self, method: bytes | None) -> asyncio.Future[None]:
        """Return what the loop of the base class waits for, once for each method, None being all others."""
        self._ended[method] = self._events.create_future()
        self._take(method, self._most.get(method.decode(), _OTHERS) if method else _OTHERS)
        return self._ended[method]

    def _take(self, method: bytes | None, count: int) -> None:
        """Have `count` more calls of `method` under way to be taken."""
        for _ in range(count):
            self._keep(self._accept(method))

    async def _accept(self, method: bytes | None) -> None:
        """Take calls of `method` one after the other until the server ends; then tell the base class's loop."""
        name, ended = method.decode() if method else "", self._ended[method]
        while True:
            try:
                call = await (self._request_registered_call(method) if method else self._request_call())
            except cygrpc._RequestCallError as error:
                if not self._ends:
                    continue
                if not ended.done():
                    ended.set_exception(error)
                return
            if name in self._short:
                if not await self._carry_out(name, call):
                    return
                continue
            handling = cygrpc._handle_rpc(name, self._resolver, self._chain, call, self._events, False)
            self._keep(cygrpc._schedule_rpc_coro(handling, call, self._events, name))

    async def _carry_out(self, name: str, call: Any) -> bool:
        """Answer a short call, another taking calls in its place if few are left to; return whether to go on."""
        self._open[name] += 1
        replaced = self._most[name] <= 2 * self._open[name] < 2 * _MOST_OPEN
        if replaced:
            self._take(name.encode(), 1)
        await cygrpc._handle_exceptions(call, self._answer(name, call), self._events, name)
        self._open[name] -= 1
        return not replaced

    async def _answer(self, name: str, call: Any) -> None:
        """Answer a short unary call, as `cygrpc._handle_unary_unary_rpc` does, and do not listen for its end."""
        context = cygrpc._ServicerContext(call, None, None, self._events)
        handler = self._handlers[name]
        if self._chain:
            handler = await cygrpc._find_method_handler(
                name, context.invocation_metadata(), self._resolver, self._chain
            )
        data = await cygrpc._receive_message(call, self._events)
        if data is None:  # it was cancelled before its message came
            return
        parse = handler.request_deserializer  # one that refuses has none
        try:
            reply = await handler.unary_unary(parse(data) if parse else data, context)
            parts = (
                cygrpc.SendInitialMetadataOperation(None, _NO_FLAGS),
                cygrpc.SendMessageOperation(handler.response_serializer(reply), _NO_FLAGS),
                cygrpc.SendStatusFromServerOperation(context.trailing_metadata(), cygrpc.StatusCode.ok, "", _NO_FLAGS),
            )
            await cygrpc.execute_batch(call, parts, self._events)
        except cygrpc.ExecuteBatchError as error:  # the caller has gone; what else goes wrong is told
            raise asyncio.CancelledError from error

    def _keep(self, work: Any) -> None:
        task = self._events.create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)


def _take_events_together(loop: asyncio.AbstractEventLoop) -> None:
    """Let one turn of `loop` deal with all events that the core has had until then.

    A thread of grpcio's writes a byte for each event; the reader of the bytes takes one byte and all events.
    """
    selector = getattr(loop, "_selector", None)
    for key in list(selector.get_map().values()) if selector else ():
        take_all: Any = getattr(key.data[0], "_callback", None)
        owner = getattr(getattr(take_all, "func", take_all), "__self__", None)
        if isinstance(owner, cygrpc.PollerCompletionQueue):
            loop.remove_reader(key.fd)
            loop.add_reader(key.fd, partial(_take_bytes_and_events, key.fd, take_all))


def _take_bytes_and_events(descriptor: int, take_all: Callable[[], None]) -> None:
    waiting = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, waiting)
    if waiting[0] > 1:
        os.read(descriptor, waiting[0] - 1)
    take_all()


def _safe(handler: Any) -> Callable[[bytes], Any] | None:
    """Return the deserialiser of `handler`, for which bytes that are no message are an empty one.

    Health and reflection would tell a caller what their parsers say. Our own handlers refuse such bytes themselves.
    """
    parse = handler.request_deserializer

    def parse_or_empty(data: bytes) -> Any:
        try:
            return parse(data)
        except DecodeError:
            return parse(b"")

    return parse_or_empty if parse else None
