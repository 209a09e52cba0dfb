import json
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from framing.article import Abstention
from framing.errors import ConfigError
from framing.model import FramingModel
from framing.v1 import classification_service_pb2 as pb
from serving.client import FramingClient
from serving.counts import DISAGREEMENT, SHADOW
from serving.metrics import Metrics, served_metrics
from serving.settings import Settings
from serving.telemetry import Method, Telemetry
from serving.updates import CHAMPION, Problem, SwapOutcome
from tests.processes import children, free_port, kill, start, wait_until_serving
from tests.serving.answers import answer
from tests.waiting import eventually

METHOD = Method("framing.v1.ClassificationService", "ClassifyArticle")
OK, INVALID = 0, 3


class Context:
    """A call without metadata."""

    def invocation_metadata(self) -> tuple[()]:
        return ()

    def set_trailing_metadata(self, trailing_metadata: object) -> None:
        pytest.fail(f"nobody asked for an echo: {trailing_metadata}")


def call(telemetry: Telemetry, code: int = OK) -> None:
    telemetry.end(telemetry.begin(METHOD, Context()), code, "framing/3")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(drift_seconds=60)


@pytest.fixture
def telemetry(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> Telemetry:
    """What a worker tells; the metrics hear of it whenever they are collected."""
    made = Telemetry()
    made.gauges = lambda: {"waiting": 2, "open": 5}
    collect = metrics.collect

    def hear_and_collect() -> Iterator[Metric]:
        metrics.reported("0", json.loads(json.dumps(made.message())))
        return collect()

    monkeypatch.setattr(metrics, "collect", hear_and_collect)
    return made


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(metrics)
    return registry.get_sample_value(name, labels)


def test_calls_are_counted_by_method_and_code_with_their_time(metrics: Metrics, telemetry: Telemetry) -> None:
    for code in (OK, OK, INVALID):
        call(telemetry, code)
    labels = {"grpc_type": "unary", "grpc_service": METHOD.service, "grpc_method": "ClassifyArticle"}
    assert value(metrics, "grpc_server_handled_total", **labels, grpc_code="OK") == 2
    assert value(metrics, "grpc_server_handled_total", **labels, grpc_code="INVALID_ARGUMENT") == 1
    assert value(metrics, "grpc_server_handling_seconds_count", **labels) == 3
    assert value(metrics, "grpc_server_handling_seconds_bucket", **labels, le="10.0") == 3
    assert 0 < (value(metrics, "grpc_server_handling_seconds_sum", **labels) or 0) < 3


@pytest.mark.parametrize(("code", "name"), [(7, "PERMISSION_DENIED"), (8, "RESOURCE_EXHAUSTED"), (14, "UNAVAILABLE"), (16, "UNAUTHENTICATED")])  # fmt: skip
def test_codes_have_the_names_of_grpc(code: int, name: str) -> None:
    assert METHOD.keys[code][-1] == name


def test_answers_are_counted_by_language_label_and_abstention(metrics: Metrics, telemetry: Telemetry) -> None:
    counts = telemetry.counts
    counts.answer(answer(language="ar", framing="threat", topics=("defense", "conflict")))
    counts.answer(answer(language="ar", topics=("defense",), abstention=Abstention.LOW_CONFIDENCE))
    counts.answer(answer(language="x-made-up-by-a-caller", abstention=Abstention.UNSUPPORTED_LANGUAGE))
    assert value(metrics, "framing_articles_total", language="ar") == 2
    assert value(metrics, "framing_articles_total", language="und") == 1
    assert value(metrics, "framing_labels_total", kind="topic", label="defense") == 2
    assert value(metrics, "framing_labels_total", kind="topic", label="conflict") == 1
    assert value(metrics, "framing_labels_total", kind="framing", label="threat") == 1
    assert value(metrics, "framing_abstentions_total", reason="LOW_CONFIDENCE") == 1
    assert value(metrics, "framing_abstentions_total", reason="UNSUPPORTED_LANGUAGE") == 1


def test_words_not_met_in_training_are_counted(metrics: Metrics, telemetry: Telemetry) -> None:
    telemetry.counts.answer(answer(words=100, known_share=0.75))
    telemetry.counts.answer(answer(words=300, known_share=0.95))
    assert value(metrics, "framing_article_words_sum") == 400
    assert value(metrics, "framing_unknown_words_total") == 40
    assert value(metrics, "framing_known_word_share_bucket", le="0.8") == 1
    assert value(metrics, "framing_known_word_share_count") == 2


def test_batches_and_disagreements_are_counted(metrics: Metrics, telemetry: Telemetry) -> None:
    telemetry.counts.batch(64)
    telemetry.counts.increment((SHADOW,), 10)
    telemetry.counts.increment((DISAGREEMENT, "framing", "threat"))
    assert value(metrics, "framing_batch_articles_bucket", le="64.0") == 1
    assert value(metrics, "framing_batch_articles_bucket", le="32.0") == 0
    assert value(metrics, "framing_shadow_articles_total") == 10
    assert value(metrics, "framing_shadow_disagreements_total", kind="framing", label="threat") == 1


def test_the_state_of_each_worker_is_told(metrics: Metrics, telemetry: Telemetry, model: FramingModel) -> None:
    telemetry.loaded(model)
    assert value(metrics, "framing_calls_waiting", worker="0") == 2
    assert value(metrics, "framing_calls_in_flight", worker="0") == 5
    assert (value(metrics, "framing_worker_resident_bytes", worker="0") or 0) > 1e7
    assert (value(metrics, "framing_worker_cpu_seconds_total", worker="0") or 0) > 0
    info = {"model_version": model.version, "taxonomy_version": "1.0.0", "run_id": "r"}
    assert value(metrics, "framing_model_info", worker="0", **info) == 1
    assert (value(metrics, "framing_model_load_timestamp_seconds", worker="0") or 0) > 1.7e9


def test_counts_of_workers_add_up_and_outlive_them(metrics: Metrics) -> None:
    for worker in ("1", "2", "3"):
        telemetry = Telemetry()
        for _ in range(int(worker)):
            call(telemetry)
        metrics.reported(worker, telemetry.message())
    labels = {"grpc_type": "unary", "grpc_service": METHOD.service, "grpc_method": "ClassifyArticle", "grpc_code": "OK"}
    assert value(metrics, "grpc_server_handled_total", **labels) == 6
    for worker in ("2", "3", "never heard of"):
        metrics.ended(worker, crashed=worker == "2")
    assert value(metrics, "framing_worker_restarts_total") == 1
    assert value(metrics, "grpc_server_handled_total", **labels) == 6
    assert value(metrics, "framing_worker_resident_bytes", worker="3") is None


def test_drift_is_told_once_there_are_enough_articles(
    metrics: Metrics, telemetry: Telemetry, model: FramingModel
) -> None:
    info = {"reference": {"language": {"ar": 70, "en": 30}}}
    telemetry.loaded(FramingModel(model.taxonomy, model.weights, model.decisions, info=info))
    assert value(metrics, "framing_drift_articles") == 0
    for _ in range(250):
        telemetry.counts.answer(answer(language="en"))
    assert (value(metrics, "framing_drift_psi", feature="language") or 0) > 0.25
    assert 0 < (value(metrics, "framing_drift_psi_chance", feature="language") or 0) < 0.25
    assert value(metrics, "framing_drift_articles") == 250


def test_versions_that_serve_or_do_not_are_counted(metrics: Metrics) -> None:
    assert value(metrics, "framing_model_swaps_total", role="champion", outcome="BUNDLE_INVALID") == 0
    metrics.swapped(SwapOutcome(CHAMPION, "framing/4", Problem.BUNDLE_INVALID, "x", 0))
    metrics.swapped(SwapOutcome(CHAMPION, "framing/5", None, "", 0))
    assert value(metrics, "framing_model_swaps_total", role="champion", outcome="BUNDLE_INVALID") == 1
    assert value(metrics, "framing_model_swaps_total", role="champion", outcome="served") == 1


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:x", ":9464", "127.0.0.1:99999", "203.0.113.1:9464"])
def test_an_address_that_cannot_be_had_is_named(address: str) -> None:
    with pytest.raises(ConfigError, match="FRAMING_METRICS_ADDRESS"), served_metrics(Settings(metrics_address=address)):
        pytest.fail("expected no metrics here")


def scrape(address: str) -> dict[str, float]:
    """Return what the server tells Prometheus, by sample name, added over labels."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as reply:
        text = reply.read().decode()
    samples: dict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples[sample.name] += sample.value
    return samples


def test_two_workers_and_one_that_was_killed_are_told_together(bundle: Path, address: str) -> None:
    where = f"127.0.0.1:{free_port()}"
    arguments = ("--bundle", str(bundle), "--address", address, "--workers", "2", "--metrics-address", where)
    process = start(*arguments, "--log-format", "json")
    try:
        wait_until_serving(address)
        with FramingClient(address) as client:
            for _ in range(20):
                client.classify(pb.Article(text="The presidents of Russia and Iran signed a treaty in Moscow."))
        eventually(lambda: scrape(where)["grpc_server_handled_total"] == 20)
        eventually(lambda: scrape(where)["framing_model_info"] == 2)
        kill(children(process.pid, "serving.worker")[0])
        eventually(lambda: scrape(where)["framing_worker_restarts_total"] == 1)
        eventually(lambda: scrape(where)["framing_model_info"] == 2)
        assert scrape(where)["framing_articles_total"] == scrape(where)["framing_article_words_count"] == 20
    finally:
        process.terminate()
        _, log = process.communicate(timeout=60)
    lines = [json.loads(line) for line in log.splitlines()]
    assert sum(line.get("method") == "ClassifyArticle" for line in lines) == 20
    assert {line["level"] for line in lines} == {"INFO", "ERROR"}  # the one that was killed
