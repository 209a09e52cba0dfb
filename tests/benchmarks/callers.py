"""Callers who never stop, in a process of their own, and the count of what became of their calls."""

import contextlib
import math
import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc

from framing.article import Article
from framing.bundle import load_bundle
from framing.errors import FramingError
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.client import FramingClient
from serving.connection import Security, open_channel

TEXT = "وقع الرئيسان الروسي والإيراني في موسكو معاهدة شراكة استراتيجية تشمل التعاون الدفاعي والتجارة والنقل. " * 2
ARTICLE = pb.Article(text=TEXT)
_SECONDS = 60.0  # that a call has
_CALLS_OF_A_CONNECTION = 500  # then a new one, which another worker may get
_BATCH, _STREAM = 64, 32


class Callers:
    """Asks the server at `address` in every way, and compares each answer with what the version it names must say.

    Versions are ``NAME/NUMBER``; even ones have the model of the first of `bundles`, odd ones that of the second.
    """

    def __init__(self, address: str, authorities: bytes, bundles: tuple[Path, Path]) -> None:
        self.counts: Counter[str] = Counter()
        self._address = address
        self._security = Security(tls=True, authorities=authorities)
        self._expected = [_probabilities(bundle) for bundle in bundles]
        self._stop = threading.Event()
        self._adding = threading.Lock()
        kinds = (self.unary, self.unary, self.unary, self.batch, self.stream, self.slow_reader, self.vanishing)
        self._threads = [threading.Thread(target=self._run, args=(kind,)) for kind in kinds]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * _SECONDS)

    def _run(self, call: Callable[[FramingClient], None]) -> None:
        while not self._stop.is_set():
            with FramingClient(self._address, timeout=_SECONDS, security=self._security) as client:
                for _ in range(_CALLS_OF_A_CONNECTION):
                    if self._stop.is_set():
                        return
                    self._try(call, client)

    def _try(self, call: Callable[[FramingClient], None], client: FramingClient) -> None:
        try:
            call(client)
        except (FramingError, grpc.RpcError) as error:
            code = error.code() if isinstance(error, grpc.RpcError) else getattr(error, "code", type(error).__name__)
            self._add(f"lost: {call.__name__} {code}")
        else:
            self._add(f"calls: {call.__name__}")

    def _add(self, name: str, number: int = 1) -> None:
        with self._adding:
            self.counts[name] += number

    def unary(self, client: FramingClient) -> None:
        self._check([client.classify(ARTICLE).classification])

    def batch(self, client: FramingClient) -> None:
        self._check(list(client.classify_many([ARTICLE] * _BATCH)), one_version=True)

    def stream(self, client: FramingClient) -> None:
        self._read(client, pause=0.0)

    def slow_reader(self, client: FramingClient) -> None:
        self._read(client, pause=0.02)

    def vanishing(self, _: FramingClient) -> None:
        """Leave a stream and its connection after the first answer."""
        with open_channel(self._address, self._security) as channel:
            stub = pb_grpc.ClassificationServiceStub(channel)
            replies = stub.StreamClassifyArticles(pb.StreamClassifyArticlesRequest(article=ARTICLE) for _ in range(64))
            self._check([next(replies).classification])
        time.sleep(0.05)

    def _read(self, client: FramingClient, *, pause: float) -> None:
        """Read a stream. One that has begun cannot be tried again by a library: it may end UNAVAILABLE with its worker."""
        read = 0
        try:
            for answer in client.stream([ARTICLE] * _STREAM):
                if not isinstance(answer, pb.Classification):
                    raise answer
                self._check([answer])
                read += 1
                time.sleep(pause)
        except FramingError as error:
            if not read or getattr(error, "code", "") != "UNAVAILABLE":
                raise
            self._add("streams that ended UNAVAILABLE with their worker")

    def _check(self, answers: list[pb.Classification], *, one_version: bool = False) -> None:
        self._add("articles", len(answers))
        if one_version and len({answer.model_version for answer in answers}) != 1:
            self._add("mixed")
        for answer in answers:
            expected = self._expected[int(answer.model_version.partition("/")[2]) % 2]
            got = [score.probability for score in answer.framings]
            if len(got) != len(expected) or not all(map(math.isclose, got, expected)):
                self._add("wrong")


def _probabilities(bundle: Path) -> list[float]:
    return [score.probability for score in load_bundle(bundle).classify(Article(text=TEXT)).framings]


class Counted:
    """What callers in another process have counted so far."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self) -> Counter[str]:
        self._connection.send("how many?")
        counts: Counter[str] = self._connection.recv()
        return counts


@contextlib.contextmanager
def calling(address: str, authorities: bytes, bundles: tuple[Path, Path]) -> Iterator[Counted]:
    """Let callers call from a process of their own, and yield what tells their counts."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_call, args=(theirs, address, authorities, bundles))
    process.start()
    try:
        yield Counted(ours)
    finally:
        ours.close()
        theirs.close()
        process.join(3 * _SECONDS)


def _call(connection: Connection, address: str, authorities: bytes, bundles: tuple[Path, Path]) -> None:
    with Callers(address, authorities, bundles) as callers, contextlib.suppress(EOFError):
        while connection.recv():
            connection.send(callers.counts.copy())
