"""Every call and every way in which it fails, through a real stub on a real port."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc

from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.connection import call_error, status_error
from serving.server import FramingServer
from serving.service import SERVICE
from serving.settings import Settings
from tests.running import running_server

GOOD = pb.Article(title="Putin meets Pezeshkian", text="The presidents of Russia and Iran signed a treaty in Moscow.")
LIMITS = {"max_text": 1000, "max_batch": 5, "max_message_bytes": 1 << 20}
SERVICE_NAME = "framing.v1.ClassificationService"


@pytest.fixture(scope="module")
def server(bundle: Path) -> Iterator[FramingServer]:
    settings = Settings(address="127.0.0.1:0", bundle=str(bundle), reflection=True, **LIMITS)
    with running_server(settings) as running:
        yield running


@pytest.fixture(scope="module")
def channel(server: FramingServer) -> Iterator[grpc.Channel]:
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{server.port}", options) as open_channel:
        yield open_channel


@pytest.fixture(scope="module")
def stub(channel: grpc.Channel) -> pb_grpc.ClassificationServiceStub:
    return pb_grpc.ClassificationServiceStub(channel)


def article(**fields: Any) -> pb.Article:
    return pb.Article(**({"text": GOOD.text} | fields))


def long_ago() -> Timestamp:
    return Timestamp(seconds=-70_000_000_000)


BAD_ARTICLES: list[tuple[pb.Article, str, str]] = [
    (article(text=""), "TEXT_EMPTY", "text"),
    (article(text=" \n\t\u3000 "), "TEXT_EMPTY", "text"),
    (article(text="x" * 1001), "TEXT_TOO_LONG", "text"),
    (article(title="x" * 2001), "TITLE_TOO_LONG", "title"),
    (article(outlet="x" * 501), "FIELD_TOO_LONG", "outlet"),
    (article(language="not a tag"), "LANGUAGE_INVALID", "language"),
    (article(language="x"), "LANGUAGE_INVALID", "language"),
    (article(url="ftp://example.org/"), "URL_INVALID", "url"),
    (article(url="http://[bad"), "URL_INVALID", "url"),
    (article(url="https://e.org/" + "x" * 2000), "URL_INVALID", "url"),
    (article(publish_time=long_ago()), "PUBLISH_TIME_INVALID", "publish_time"),
    (article(publish_time=Timestamp(nanos=-1)), "PUBLISH_TIME_INVALID", "publish_time"),
]
BAD_OPTIONS: list[tuple[pb.ClassificationOptions, str]] = [
    (pb.ClassificationOptions(max_evidence=-1), "options.max_evidence"),
    (pb.ClassificationOptions(max_evidence=21), "options.max_evidence"),
    (pb.ClassificationOptions(offset_encoding=99), "options.offset_encoding"),  # type: ignore[arg-type]
]
BAD_BYTES = [
    b"\xff\xff\xff",
    b"\x0a\x04\x0a\x02\xff\xfe",
    b"\x0a\x05\x0a\x03\xed\xa0\x80",
]  # broken; not UTF-8; a surrogate


def failure(call: Callable[[], Any]) -> tuple[str, str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error = call_error(caught.value)
    assert str(error).strip()
    return error.code, error.reason, error.field


def test_classify_answers(stub: pb_grpc.ClassificationServiceStub) -> None:
    answer = stub.ClassifyArticle(pb.ClassifyArticleRequest(article=GOOD)).classification
    assert [score.label for score in answer.topics] == ["diplomacy", "defense", "conflict"]
    assert len(answer.framings) == 5
    assert answer.language == "en"
    assert answer.model_version.startswith("sha256-")
    assert answer.taxonomy_version == "1.0.0"
    assert answer.evidence


@pytest.mark.parametrize(("bad", "reason", "field"), BAD_ARTICLES)
def test_classify_refuses_bad_articles(
    stub: pb_grpc.ClassificationServiceStub, bad: pb.Article, reason: str, field: str
) -> None:
    got = failure(lambda: stub.ClassifyArticle(pb.ClassifyArticleRequest(article=bad)))
    assert got == ("INVALID_ARGUMENT", reason, f"article.{field}")


@pytest.mark.parametrize(("options", "field"), BAD_OPTIONS)
def test_bad_options_are_refused(
    stub: pb_grpc.ClassificationServiceStub, options: pb.ClassificationOptions, field: str
) -> None:
    unary = pb.ClassifyArticleRequest(article=GOOD, options=options)
    batch = pb.BatchClassifyArticlesRequest(articles=[GOOD], options=options)
    stream = pb.StreamClassifyArticlesRequest(article=GOOD, options=options)
    expected = ("INVALID_ARGUMENT", "EVIDENCE_INVALID", field)
    assert failure(lambda: stub.ClassifyArticle(unary)) == expected
    assert failure(lambda: stub.BatchClassifyArticles(batch)) == expected
    (reply,) = stub.StreamClassifyArticles(iter([stream]))
    error = status_error(reply.error)
    assert (error.code, error.reason, error.field) == expected


def test_classify_refuses_a_missing_article(stub: pb_grpc.ClassificationServiceStub) -> None:
    got = failure(lambda: stub.ClassifyArticle(pb.ClassifyArticleRequest()))
    assert got == ("INVALID_ARGUMENT", "ARTICLE_MISSING", "article")


@pytest.mark.parametrize("method", ["ClassifyArticle", "BatchClassifyArticles", "GetModelInfo"])
@pytest.mark.parametrize("data", BAD_BYTES)
def test_malformed_bytes_are_refused(channel: grpc.Channel, method: str, data: bytes) -> None:
    if method == "GetModelInfo" and data != BAD_BYTES[0]:
        pytest.skip("these bytes are a valid empty message with unknown fields")
    call = channel.unary_unary(f"/{SERVICE_NAME}/{method}")
    assert failure(lambda: call(data)) == ("INVALID_ARGUMENT", "REQUEST_MALFORMED", "")


def test_batch_keeps_order_and_one_model(stub: pb_grpc.ClassificationServiceStub) -> None:
    articles = [GOOD, article(text="Погода в Москве: завтра дождь и ветер, синоптики советуют взять зонт"), GOOD]
    answers = stub.BatchClassifyArticles(pb.BatchClassifyArticlesRequest(articles=articles)).classifications
    assert [answer.language for answer in answers] == ["en", "ru", "en"]
    assert answers[0] == answers[2] == stub.ClassifyArticle(pb.ClassifyArticleRequest(article=GOOD)).classification


@pytest.mark.parametrize(("bad", "reason", "field"), BAD_ARTICLES)
def test_batch_is_refused_whole_and_names_the_item(
    stub: pb_grpc.ClassificationServiceStub, bad: pb.Article, reason: str, field: str
) -> None:
    request = pb.BatchClassifyArticlesRequest(articles=[GOOD, bad])
    got = failure(lambda: stub.BatchClassifyArticles(request))
    assert got == ("INVALID_ARGUMENT", reason, f"articles[1].{field}")


@pytest.mark.parametrize(("count", "reason"), [(0, "BATCH_EMPTY"), (6, "BATCH_TOO_LARGE")])
def test_batches_have_a_size(stub: pb_grpc.ClassificationServiceStub, count: int, reason: str) -> None:
    request = pb.BatchClassifyArticlesRequest(articles=[GOOD] * count)
    assert failure(lambda: stub.BatchClassifyArticles(request)) == ("INVALID_ARGUMENT", reason, "articles")


@pytest.mark.parametrize(("bad", "reason", "field"), BAD_ARTICLES)
def test_a_stream_goes_on_after_a_bad_article(
    stub: pb_grpc.ClassificationServiceStub, bad: pb.Article, reason: str, field: str
) -> None:
    requests = [pb.StreamClassifyArticlesRequest(article=one) for one in (GOOD, bad, GOOD)]
    replies = list(stub.StreamClassifyArticles(iter([*requests, pb.StreamClassifyArticlesRequest()])))
    assert [reply.WhichOneof("result") for reply in replies] == ["classification", "error", "classification", "error"]
    error = status_error(replies[1].error)
    assert (error.code, error.reason, error.field) == ("INVALID_ARGUMENT", reason, f"article.{field}")
    assert status_error(replies[3].error).reason == "ARTICLE_MISSING"


@pytest.mark.parametrize("data", BAD_BYTES)
def test_a_stream_goes_on_after_malformed_bytes(channel: grpc.Channel, data: bytes) -> None:
    good = pb.StreamClassifyArticlesRequest(article=GOOD).SerializeToString()
    call = channel.stream_stream(
        f"/{SERVICE_NAME}/StreamClassifyArticles", None, pb.StreamClassifyArticlesResponse.FromString
    )
    first, second, third = call(iter([good, data, good]))
    assert status_error(second.error).reason == "REQUEST_MALFORMED"
    assert first.classification == third.classification


def test_an_empty_stream_ends(stub: pb_grpc.ClassificationServiceStub) -> None:
    assert list(stub.StreamClassifyArticles(iter([]))) == []


def test_model_info_tells_labels_and_origin(stub: pb_grpc.ClassificationServiceStub) -> None:
    info = stub.GetModelInfo(pb.GetModelInfoRequest())
    assert [label.label for label in info.topics] == ["diplomacy", "defense", "conflict"]
    assert all(set(label.names) == {"ar", "en", "fa", "ru"} for label in (*info.topics, *info.framings))
    assert list(info.languages) == ["ar", "en", "fa", "ru"]
    assert (info.run_id, info.corpus_digest) == ("r", "c")
    assert info.load_time.seconds > 1_700_000_000


def test_a_message_over_the_limit_is_refused(stub: pb_grpc.ClassificationServiceStub) -> None:
    request = pb.ClassifyArticleRequest(article=article(text="x" * (5 << 20)))
    assert failure(lambda: stub.ClassifyArticle(request))[0] == "RESOURCE_EXHAUSTED"


def test_an_unknown_method_is_unimplemented(channel: grpc.Channel) -> None:
    assert failure(lambda: channel.unary_unary(f"/{SERVICE_NAME}/Nothing")(b""))[0] == "UNIMPLEMENTED"


def test_offsets_come_in_the_units_that_were_asked_for(stub: pb_grpc.ClassificationServiceStub) -> None:
    text = "😀 Иран и Россия подписали договор о партнёрстве. 😀 Президенты России и Ирана встретились в Москве."
    cut: dict[str, list[str]] = {}
    for encoding, codec, width in (
        ("UNICODE_CODE_POINTS", "utf-32-le", 4),
        ("UTF8_BYTES", "utf-8", 1),
        ("UTF16_CODE_UNITS", "utf-16-le", 2),
    ):
        options = pb.ClassificationOptions(offset_encoding=pb.OffsetEncoding.Value(f"OFFSET_ENCODING_{encoding}"))
        request = pb.ClassifyArticleRequest(article=article(text=text), options=options)
        data = text.encode(codec)
        spans = [evidence.span for evidence in stub.ClassifyArticle(request).classification.evidence]
        cut[encoding] = [data[span.begin * width : span.end * width].decode(codec) for span in spans]
    assert cut["UNICODE_CODE_POINTS"] == cut["UTF8_BYTES"] == cut["UTF16_CODE_UNITS"] != []


@pytest.mark.parametrize("service", ["", SERVICE_NAME])
def test_health_is_serving_for_the_server_and_the_service(channel: grpc.Channel, service: str) -> None:
    reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    assert reply.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_lists_the_service(channel: grpc.Channel) -> None:
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (reply,) = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]))
    assert SERVICE.full_name in [service.name for service in reply.list_services_response.service]


def test_without_a_model_calls_are_unavailable_and_health_says_so(bundle: Path) -> None:
    settings = Settings(address="127.0.0.1:0", bundle=str(bundle))
    with running_server(settings, load=False) as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = pb_grpc.ClassificationServiceStub(channel)
        calls: list[Callable[[], Any]] = [
            lambda: stub.ClassifyArticle(pb.ClassifyArticleRequest(article=GOOD)),
            lambda: stub.BatchClassifyArticles(pb.BatchClassifyArticlesRequest(articles=[GOOD])),
            lambda: list(stub.StreamClassifyArticles(iter([pb.StreamClassifyArticlesRequest(article=GOOD)]))),
            lambda: stub.GetModelInfo(pb.GetModelInfoRequest()),
        ]
        for call in calls:
            assert failure(call) == ("UNAVAILABLE", "MODEL_NOT_READY", "")
        for service in ("", SERVICE_NAME):
            reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
            assert reply.status == health_pb2.HealthCheckResponse.NOT_SERVING


def test_too_many_calls_at_once_are_told_to_wait(
    server: FramingServer, stub: pb_grpc.ClassificationServiceStub
) -> None:
    server.service.calls.admission.waiting += server.settings.max_waiting  # as if that many calls waited
    try:
        for call in (
            lambda: stub.ClassifyArticle(pb.ClassifyArticleRequest(article=GOOD)),
            lambda: stub.BatchClassifyArticles(pb.BatchClassifyArticlesRequest(articles=[GOOD])),
            lambda: list(stub.StreamClassifyArticles(iter([pb.StreamClassifyArticlesRequest(article=GOOD)]))),
        ):
            assert failure(call)[:2] == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    finally:
        server.service.calls.admission.waiting -= server.settings.max_waiting
    assert stub.ClassifyArticle(pb.ClassifyArticleRequest(article=GOOD)).classification.topics


def test_a_bug_of_ours_gives_no_text_away(
    server: FramingServer, stub: pb_grpc.ClassificationServiceStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("the secret text of the article")

    loaded = server.service._loaded
    assert loaded is not None
    monkeypatch.setattr(loaded.model, "classify", explode)
    for call in (
        lambda: stub.ClassifyArticle(pb.ClassifyArticleRequest(article=GOOD)),
        lambda: stub.BatchClassifyArticles(pb.BatchClassifyArticlesRequest(articles=[GOOD])),
        lambda: list(stub.StreamClassifyArticles(iter([pb.StreamClassifyArticlesRequest(article=GOOD)]))),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        error = call_error(caught.value)
        assert (error.code, error.reason) == ("INTERNAL", "INTERNAL")
        assert "secret" not in str(error)
        assert "log id" in str(error)
