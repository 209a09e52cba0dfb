import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from framing.article import Abstention
from framing.errors import ConfigError
from framing.model import FramingModel
from serving.counts import DISAGREEMENT, SHADOW
from serving.metrics import Metrics, serve_metrics
from serving.telemetry import Method, Telemetry
from tests.processes import free_port
from tests.serving.answers import answer

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
def telemetry(metrics: Metrics) -> Telemetry:
    made = Telemetry()
    made.gauges = lambda: {"waiting": 2, "open": 5}
    metrics.local("0", made.message)
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


@pytest.fixture
def scraped(metrics: Metrics, telemetry: Telemetry) -> Iterator[str]:
    call(telemetry)
    address = f"127.0.0.1:{free_port()}"
    stop = serve_metrics(metrics, address)
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as reply:
            yield reply.read().decode()
    finally:
        stop()


def test_prometheus_reads_them_over_http(scraped: str) -> None:
    families = {family.name: family for family in text_string_to_metric_families(scraped)}
    assert families["grpc_server_handled"].samples[0].value == 1
    assert families["framing_known_word_share"].type == "histogram"


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:x", ":", "203.0.113.1:9464"])
def test_an_address_that_cannot_be_had_is_named(metrics: Metrics, address: str) -> None:
    with pytest.raises(ConfigError, match="FRAMING_METRICS_ADDRESS"):
        serve_metrics(metrics, address)
