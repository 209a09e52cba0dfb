"""Calls through the server of `serving.accepting`, which uses what grpcio keeps to itself."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from framing.errors import Overloaded
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving import accepting
from serving.server import FramingServer
from serving.settings import Settings
from tests.running import running_server
from tests.waiting import eventually

TEXT = "The presidents of Russia and Iran signed a treaty in Moscow. "


@pytest.fixture
def server(bundle: Path) -> Iterator[FramingServer]:
    with running_server(Settings(address="127.0.0.1:0", bundle=str(bundle))) as running:
        yield running


@pytest.fixture
def stub(server: FramingServer) -> Iterator[pb_grpc.ClassificationServiceStub]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}", [("grpc.enable_retries", 0)]) as channel:
        yield pb_grpc.ClassificationServiceStub(channel)


def test_all_events_are_taken_in_one_turn() -> None:
    async def readers() -> list[Any]:
        server = accepting.aio_server([], [], {})
        selector: Any = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]  # as the server does
        callbacks = [key.data[0]._callback for key in selector.get_map().values() if key.data[0]]
        found = [getattr(callback, "func", None) for callback in callbacks]
        await server.stop(None)
        return found

    assert accepting._take_bytes_and_events in asyncio.run(readers())


def test_many_calls_at_once_each_get_their_own_answer(stub: pb_grpc.ClassificationServiceStub) -> None:
    """The evidence of an article of so many sentences reaches to its last one."""
    requests = [pb.ClassifyArticleRequest(article=pb.Article(text=TEXT * (1 + number % 7))) for number in range(150)]
    for request in requests:
        request.options.max_evidence = 20
    alone = [stub.ClassifyArticle(request).SerializeToString() for request in requests[:7]]
    together = [stub.ClassifyArticle.future(request) for request in requests]
    assert [call.result().SerializeToString() for call in together] == [alone[number % 7] for number in range(150)]
    assert len(set(alone)) == len(alone)


@pytest.mark.parametrize("refused", [False, True])
def test_a_caller_who_has_gone_before_the_answer_disturbs_nobody(
    server: FramingServer,
    stub: pb_grpc.ClassificationServiceStub,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    refused: bool,
) -> None:
    model, begun, gone = server.service.model(), threading.Event(), threading.Event()
    classify = model.classify

    def slowly(*arguments: Any, **named: Any) -> Any:
        begun.set()
        gone.wait(10)
        time.sleep(0.1)  # for the server's core to hear of it
        if refused:
            raise Overloaded("as the test says", 1.0)
        return classify(*arguments, **named)

    request = pb.ClassifyArticleRequest(article=pb.Article(text=TEXT))
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(model, "classify", slowly)
    future = stub.ClassifyArticle.future(request)
    assert begun.wait(10)
    future.cancel()
    gone.set()
    monkeypatch.undo()
    assert stub.ClassifyArticle(request, timeout=10).classification.framings
    eventually(lambda: not server.service.calls.admission.waiting)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_calls_that_wait_to_be_refused_keep_none_out_that_can_be_answered(
    server: FramingServer, stub: pb_grpc.ClassificationServiceStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, many = server.service.calls, server.settings.max_waiting + 300  # more than are taken at once
    request = pb.ClassifyArticleRequest(article=pb.Article(text=TEXT))
    held, turns = [], calls._refusals

    async def hold() -> None:
        place = asyncio.get_running_loop().create_future()
        held.append(place)
        await place

    monkeypatch.setattr(turns, "take", hold)
    monkeypatch.setattr(calls.admission, "_most_calls", 0)
    refused = [stub.ClassifyArticle.future(request) for _ in range(many)]
    eventually(lambda: len(held) == many)
    monkeypatch.setattr(calls.admission, "_most_calls", 1)
    assert stub.ClassifyArticle(request, timeout=10).classification.framings
    for place in held:
        place.get_loop().call_soon_threadsafe(place.set_result, None)
    assert {call.code() for call in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    eventually(lambda: not sum(server._server._server._open.values()))  # type: ignore[attr-defined]  # it is an _Acceptor
