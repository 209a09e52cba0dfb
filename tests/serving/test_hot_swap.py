"""Another model under load: real workers, a registry that the test writes."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest

from framing.article import Article
from framing.bundle import load_bundle, save_bundle
from framing.model import FramingModel
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.model_cache import KEPT, ModelCache
from serving.settings import Settings
from serving.updates import Problem, Report, SwapOutcome
from tests.processes import children, kill, wait_until_serving
from tests.supervised import CHAMPION, Recorder, Registry, copied_bundle, supervised
from tests.waiting import eventually
from training.data import LabelledItem
from training.run import golden_articles

ARTICLE = pb.Article(text="The presidents of Russia and Iran signed a treaty in Moscow. " * 3)
SWAPS = 6


@pytest.fixture(scope="session")
def bundles(
    bundle: Path, model: FramingModel, some_items: list[LabelledItem], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Two models with different probabilities."""
    weights = replace(model.weights, shift=model.weights.shift + 0.5)
    folder = tmp_path_factory.mktemp("other") / "bundle"
    save_bundle(FramingModel(model.taxonomy, weights, model.decisions), folder, golden_articles(some_items), info={})
    return bundle, folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        address="127.0.0.1:0",
        workers=2,
        tracking_uri=str(tmp_path / "registry.json"),
        cache=tmp_path / "cache",
        registry_interval=0.05,
        log_level="WARNING",
    )


@pytest.fixture
def registry(settings: Settings) -> Registry:
    return Registry(Path(settings.tracking_uri))


Fetch = Callable[[int], Path]


@pytest.fixture
def cache(settings: Settings) -> ModelCache:
    return ModelCache(settings.cache, settings.tracking_uri)


@pytest.fixture
def fetch(cache: ModelCache, bundles: tuple[Path, Path]) -> Fetch:
    """Put a version into the cache, as the source does: one model and the other by turns. Return its bundle."""

    def copy(number: int) -> Path:
        return copied_bundle(bundles[number % 2], cache.place("framing", str(number)) / "bundle")

    return copy


class Callers:
    """Threads that call, and check of every answer that it is wholly of the version it names."""

    def __init__(self, address: str, bundles: tuple[Path, Path]) -> None:
        self.problems: list[str] = []
        self.seen: set[str] = set()
        self._expected = [_probabilities(load_bundle(bundle)) for bundle in bundles]
        self._stop = threading.Event()
        calls = (self._unary, self._batch, self._stream)
        self._threads = [threading.Thread(target=self._run, args=(address, call)) for call in calls]

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, address: str, call: Callable[[pb_grpc.ClassificationServiceStub], None]) -> None:
        with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = pb_grpc.ClassificationServiceStub(channel)
            while not self._stop.is_set():
                try:
                    call(stub)
                except grpc.RpcError as error:
                    self.problems.append(f"{error.code()} {error.details()}")

    def _unary(self, stub: pb_grpc.ClassificationServiceStub) -> None:
        self._check(stub.ClassifyArticle(pb.ClassifyArticleRequest(article=ARTICLE), timeout=20).classification)

    def _batch(self, stub: pb_grpc.ClassificationServiceStub) -> None:
        request = pb.BatchClassifyArticlesRequest(articles=[ARTICLE] * 32)
        answers = stub.BatchClassifyArticles(request, timeout=20).classifications
        if len({answer.model_version for answer in answers}) != 1:
            self.problems.append("a batch of two models")
        for answer in answers:
            self._check(answer)

    def _stream(self, stub: pb_grpc.ClassificationServiceStub) -> None:
        requests = (pb.StreamClassifyArticlesRequest(article=ARTICLE) for _ in range(32))
        for reply in stub.StreamClassifyArticles(requests, timeout=20):
            self._check(reply.classification)

    def _check(self, answer: pb.Classification) -> None:
        self.seen.add(answer.model_version)
        expected = self._expected[int(answer.model_version.partition("/")[2]) % 2]
        if [score.probability for score in answer.framings] != pytest.approx(expected):
            self.problems.append(f"{answer.model_version} did not answer as it does")


def _probabilities(model: FramingModel) -> list[float]:
    return [score.probability for score in model.classify(Article(text=ARTICLE.text)).framings]


def info(address: str) -> pb.GetModelInfoResponse:
    with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        reply: pb.GetModelInfoResponse = pb_grpc.ClassificationServiceStub(channel).GetModelInfo(
            pb.GetModelInfoRequest(), timeout=20, wait_for_ready=True
        )
    return reply


@pytest.fixture
def server(settings: Settings, registry: Registry, fetch: Fetch) -> Iterator[SimpleNamespace]:
    registry.choose("framing/0", fetch(0))
    with supervised(settings) as (supervisor, recorder):
        address = supervisor.settings.address
        wait_until_serving(address)
        yield SimpleNamespace(address=address, recorder=recorder)


def last(recorder: Recorder) -> SwapOutcome:
    return recorder.outcomes[-1]


def test_swaps_under_load_lose_no_call_and_mix_no_answer(
    server: SimpleNamespace, registry: Registry, fetch: Fetch, cache: ModelCache, bundles: tuple[Path, Path]
) -> None:
    with Callers(server.address, bundles) as callers:
        for number in range(1, SWAPS + 1):
            registry.choose(f"framing/{number}", fetch(number))
            eventually(lambda wanted=f"framing/{number}": last(server.recorder).version == wanted)
            eventually(lambda wanted=f"framing/{number}": wanted in callers.seen)
    assert callers.problems == []
    assert callers.seen == {f"framing/{number}" for number in range(SWAPS + 1)}
    assert [outcome.problem for outcome in server.recorder.outcomes] == [None] * (SWAPS + 1)
    assert info(server.address).model_version == f"framing/{SWAPS}"
    kept = {path.name for path in cache.folder.glob("framing-*")}
    assert f"framing-{SWAPS}" in kept
    assert len(kept) == 1 + KEPT


def test_a_version_that_workers_cannot_load_changes_nothing(
    server: SimpleNamespace, registry: Registry, fetch: Fetch
) -> None:
    registry.choose("framing/1", fetch(1))
    eventually(lambda: last(server.recorder).version == "framing/1")
    broken = fetch(2)
    (broken / "aside").write_bytes(b"")
    registry.report(Report(model=CHAMPION, version="framing/2", bundle=str(broken)))
    eventually(lambda: last(server.recorder).version == "framing/2")
    assert last(server.recorder).problem == Problem.BUNDLE_INVALID
    told = info(server.address)
    assert (told.model_version, told.pending_update.model_version) == ("framing/1", "framing/2")
    assert told.pending_update.problem == pb.UPDATE_PROBLEM_BUNDLE_INVALID
    assert "files that do not belong: ['aside']" in told.pending_update.detail
    assert told.followed_model == CHAMPION
    registry.choose("framing/3", fetch(3))
    eventually(lambda: info(server.address).model_version == "framing/3")
    eventually(lambda: not info(server.address).HasField("pending_update"))


def test_a_worker_that_comes_later_has_the_newest_model_and_knows_what_is_wrong(
    server: SimpleNamespace, registry: Registry, fetch: Fetch
) -> None:
    registry.choose("framing/1", fetch(1))
    eventually(lambda: last(server.recorder).version == "framing/1")
    registry.refuse("framing/2", Problem.TAXONOMY_CHANGED)
    eventually(lambda: last(server.recorder).version == "framing/2")
    for worker in children(os.getpid(), "serving.worker"):
        kill(worker)
    eventually(lambda: len(server.recorder.crashed) == 2)
    told = info(server.address)
    assert told.model_version == "framing/1"
    assert told.pending_update.problem == pb.UPDATE_PROBLEM_TAXONOMY_CHANGED


def test_without_the_registry_the_last_good_version_serves(
    settings: Settings, registry: Registry, fetch: Fetch
) -> None:
    registry.choose("framing/1", fetch(1))
    with supervised(settings) as (supervisor, recorder):
        wait_until_serving(supervisor.settings.address)
        eventually(lambda: bool(recorder.outcomes))
    registry.refuse("", Problem.REGISTRY_UNAVAILABLE)
    with supervised(settings) as (supervisor, _):
        wait_until_serving(supervisor.settings.address)
        told = info(supervisor.settings.address)
    assert told.model_version == "framing/1"
    assert told.pending_update.problem == pb.UPDATE_PROBLEM_REGISTRY_UNAVAILABLE
    assert told.pending_update.detail == ""
