"""Shadow mode: the challenger answers too, in a process of its own, and nobody waits for it."""

import socket
from pathlib import Path

import grpc

from framing.article import Article
from framing.model import FramingModel
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.settings import Settings
from serving.shadow import Shadow, ShadowFeed, given
from tests.processes import wait_until_serving
from tests.supervised import Registry, supervised
from tests.waiting import eventually

TEXT = "The presidents of Russia and Iran signed a treaty in Moscow. " * 3
CHALLENGER = "models:/framing@challenger"


def test_disagreement_is_counted_by_label(model: FramingModel) -> None:
    shadow, article = Shadow(model), Article(text=TEXT)
    labels = given(model.classify(article))
    assert labels
    message = {"text": TEXT, "title": "", "language": ""}
    shadow.compare({**message, "given": labels})
    assert shadow.message()["counts"] == [[["shadow"], [1]]]
    shadow.compare({**message, "given": [*labels[1:], "conflict"]})
    assert shadow.articles == 2
    assert sorted(label for _, label in shadow.disagreements) == sorted({labels[0], "conflict"})
    assert dict(shadow.disagreements).get(("topic", "conflict")) == 1


def test_a_busy_challenger_is_never_waited_for(model: FramingModel) -> None:
    workers, challenger = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    answer = model.classify(Article(text=TEXT))
    with workers, challenger:
        feed = ShadowFeed(workers, 1.0)
        for _ in range(10_000):
            feed.offer(Article(text=TEXT), answer)
        feed.offer(Article(text="x" * 1_000_000), answer)


def test_nothing_is_offered_of_a_share_of_nothing(model: FramingModel) -> None:
    workers, challenger = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with workers, challenger:
        challenger.setblocking(False)
        ShadowFeed(workers, 0.0).offer(Article(text=TEXT), model.classify(Article(text=TEXT)))
        try:
            got = challenger.recv(10)
        except BlockingIOError:
            got = b""
    assert got == b""


def test_the_challenger_answers_what_callers_ask(bundle: Path, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry.json")
    registry.choose("framing/9", bundle, model=CHALLENGER)
    settings = Settings(
        address="127.0.0.1:0", bundle=str(bundle), tracking_uri=str(registry.file), cache=tmp_path / "cache",
        challenger=CHALLENGER, shadow_share=1.0, registry_interval=0.05, log_level="WARNING",
    )  # fmt: skip
    with supervised(settings) as (supervisor, recorder):
        wait_until_serving(supervisor.settings.address)
        with grpc.insecure_channel(supervisor.settings.address) as channel:
            stub = pb_grpc.ClassificationServiceStub(channel)
            for _ in range(5):
                stub.ClassifyArticle(pb.ClassifyArticleRequest(article=pb.Article(text=TEXT)), timeout=20)
        eventually(lambda: recorder.reports.get("challenger", {}).get("counts") == [[["shadow"], [5]]])
        assert [(outcome.role, outcome.version) for outcome in recorder.outcomes] == [("challenger", "framing/9")]
