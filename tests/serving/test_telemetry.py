"""What a real server tells of real calls: counts, log lines, request ids."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.call_context import CallContext
from serving.counts import ANSWER, BATCH, CALL, WORDS, merged
from serving.logs import CallLog
from serving.settings import Settings
from serving.status import DETAILS_KEY
from serving.telemetry import Method, Telemetry
from tests.running import running_server

TEXT = "The presidents of Russia and Iran signed a treaty in Moscow. SECRETWORD stays here."
REQUEST = pb.ClassifyArticleRequest(article=pb.Article(text=TEXT))
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Spans:
    """A tracer that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, CallContext]] = []

    def record(self, method: Method, code: str, seconds: float, context: CallContext) -> str:
        assert seconds > 0
        self.told.append((method.name, code, context))
        return context.trace_id or "made-here"

    def close(self) -> None:
        self.told.append(("closed", "", CallContext("")))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "calls.log"


@pytest.fixture
def telemetry(log: Path) -> Iterator[Telemetry]:
    with log.open("wb") as target:
        yield Telemetry(log=CallLog(target.fileno(), "json"), tracer=Spans())


def ask(bundle: Path, telemetry: Telemetry) -> list[Any]:
    """Call every method, one wrongly; return the metadata that came back with a good and with a bad reply."""
    with (
        running_server(Settings(address="127.0.0.1:0", bundle=str(bundle)), telemetry=telemetry) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        stub = pb_grpc.ClassificationServiceStub(channel)
        traced = [("x-request-id", "mine-1"), ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01")]
        _, good = stub.ClassifyArticle.with_call(REQUEST, metadata=traced)
        stub.BatchClassifyArticles(pb.BatchClassifyArticlesRequest(articles=[REQUEST.article] * 3))
        list(stub.StreamClassifyArticles(iter([pb.StreamClassifyArticlesRequest(article=REQUEST.article)] * 2)))
        with pytest.raises(grpc.RpcError) as caught:
            stub.ClassifyArticle(pb.ClassifyArticleRequest())
        return [dict(good.trailing_metadata()), dict(caught.value.trailing_metadata())]


def test_a_request_id_goes_back_with_the_reply(bundle: Path, telemetry: Telemetry, log: Path) -> None:
    good, bad = ask(bundle, telemetry)
    assert good == {"x-request-id": "mine-1"}
    assert bad[DETAILS_KEY]
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert bad["x-request-id"] == lines[-1]["request_id"] != "mine-1"


def test_each_call_is_one_line_and_nothing_of_the_text_is_in_it(bundle: Path, telemetry: Telemetry, log: Path) -> None:
    ask(bundle, telemetry)
    text = log.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["method"], line["code"]) for line in lines] == [
        ("ClassifyArticle", "OK"),
        ("BatchClassifyArticles", "OK"),
        ("StreamClassifyArticles", "OK"),
        ("ClassifyArticle", "INVALID_ARGUMENT"),
    ]
    assert lines[0]["request_id"] == "mine-1"
    assert [line["trace_id"] for line in lines] == [TRACE, "made-here", "made-here", "made-here"]
    assert lines[0]["model"].startswith("sha256-")
    assert lines[0]["ms"] > 0
    assert len({line["request_id"] for line in lines}) == 4
    assert "SECRETWORD" not in text


def test_spans_are_made_of_calls(bundle: Path, telemetry: Telemetry) -> None:
    ask(bundle, telemetry)
    spans = telemetry._tracer
    assert isinstance(spans, Spans)
    assert [told[:2] for told in spans.told] == [
        ("ClassifyArticle", "OK"),
        ("BatchClassifyArticles", "OK"),
        ("StreamClassifyArticles", "OK"),
        ("ClassifyArticle", "INVALID_ARGUMENT"),
        ("closed", ""),
    ]
    assert spans.told[0][2] == CallContext("mine-1", TRACE, "00f067aa0ba902b7", sampled=True)


def test_calls_and_answers_are_counted(bundle: Path, telemetry: Telemetry) -> None:
    ask(bundle, telemetry)
    counts = merged([telemetry.message()["counts"]])
    calls = {key[2:]: sum(row[1:]) for key, row in counts.items() if key[0] == CALL}
    assert calls == {
        ("ClassifyArticle", "unary", "OK"): 1,
        ("ClassifyArticle", "unary", "INVALID_ARGUMENT"): 1,
        ("BatchClassifyArticles", "unary", "OK"): 1,
        ("StreamClassifyArticles", "bidi_stream", "OK"): 1,
    }
    assert sum(row[0] for key, row in counts.items() if key[:2] == (ANSWER, "en")) == 6
    assert sum(counts[WORDS,][1:]) == 6
    assert counts[BATCH,][0] == 3
    assert telemetry.message()["gauges"]["open"] == telemetry.message()["gauges"]["waiting"] == 0
