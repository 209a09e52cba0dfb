"""A `grpc.aio` server that takes all calls that have arrived, and that no call can end.

grpcio 1.85 takes the calls of a method one by one, between turns of the event loop: while it works, calls queue where
nobody counts them, so overload is never seen. And it decodes the paths of calls to unknown methods in the loop that
takes calls: one path that is not UTF-8 ends the whole server. Here each method has many calls under way to be taken,
and a call to an unknown method is answered without a look at its path. This uses what grpcio keeps to itself; the
tests of fuzzing and of overload tell when that has changed.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # grpcio has no types for it

_OTHERS = 4  # calls under way to be taken for a method of which nothing is said


def aio_server(
    options: Sequence[tuple[str, Any]], interceptors: Sequence[grpc.aio.ServerInterceptor], most: Mapping[str, int]
) -> grpc.aio.Server:
    """Return a server that takes up to `most` calls of a ``/service/method`` in one turn of the event loop.

    Only methods added by `add_registered_method_handlers` are answered; others are UNIMPLEMENTED.
    """
    server: Any = grpc.aio.server(options=list(options), interceptors=list(interceptors))
    server._server = _Acceptor(server._loop, None, (), list(interceptors) or None, tuple(options), None)
    server._server.begin(server._loop, tuple(interceptors), most)
    typed: grpc.aio.Server = server
    return typed


class _Acceptor(cygrpc.AioServer):  # type: ignore[misc]  # as above
    """The core of a server. Its own loop sleeps until the server ends; `_accept` takes the calls."""

    def begin(self, loop: asyncio.AbstractEventLoop, interceptors: tuple[Any, ...], most: Mapping[str, int]) -> None:
        self._events = loop
        self._chain = interceptors
        self._most = most
        self._handlers: dict[str, Any] = {}
        self._resolver = cygrpc._MethodResolver([], self._handlers)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ends = False

    def add_registered_method_handlers(self, handlers: dict[str, Any]) -> None:
        safe = {path: handler._replace(request_deserializer=_safe(handler)) for path, handler in handlers.items()}
        super().add_registered_method_handlers(safe)
        self._handlers.update(safe)

    async def shutdown(self, grace: float | None) -> None:
        self._ends = True
        await super().shutdown(grace)

    def _make_request_call_future(self, method: bytes | None) -> asyncio.Future[None]:
        """Return what the loop of the base class waits for, once for each method, None being all others."""
        ended: asyncio.Future[None] = self._events.create_future()
        for _ in range(self._most.get(method.decode(), _OTHERS) if method else _OTHERS):
            self._keep(self._accept(method, ended))
        return ended

    async def _accept(self, method: bytes | None, ended: asyncio.Future[None]) -> None:
        """Take calls of `method` one after the other until the server ends; then tell the base class's loop."""
        name = method.decode() if method else ""
        while True:
            try:
                call = await (self._request_registered_call(method) if method else self._request_call())
            except cygrpc._RequestCallError as error:
                if not self._ends:
                    continue
                if not ended.done():
                    ended.set_exception(error)
                return
            handling = cygrpc._handle_rpc(name, self._resolver, self._chain, call, self._events, False)
            self._keep(cygrpc._schedule_rpc_coro(handling, call, self._events, name))

    def _keep(self, work: Any) -> None:
        task = self._events.create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)


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
