"""Prometheus metrics over HTTP, made of the counts of all processes when they are asked for.

Calls are told in the names and labels that gRPC's middleware for Prometheus has made usual (``grpc_server_…``),
all else in names that begin with ``framing_``.
"""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, product
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from framing.errors import ConfigError
from framing.reference import KNOWN_SHARE, KNOWN_SHARE_EDGES, WORDS, WORDS_EDGES, BinCounts
from serving.counts import (
    ANSWER,
    BATCH,
    BATCH_EDGES,
    CALL,
    DISAGREEMENT,
    LOG_DROPPED,
    RESTART,
    SECONDS_EDGES,
    SHADOW,
    SWAP,
    UNKNOWN_WORDS,
    Counts,
    Key,
    Row,
    merged,
)
from serving.drift import DriftWindow
from serving.settings import Settings
from serving.updates import CHALLENGER, CHAMPION, Problem, SwapOutcome

Message = Mapping[str, Any]

_SERVED = "served"
_CALL_LABELS = ("grpc_type", "grpc_service", "grpc_method")
_COUNTERS = {
    UNKNOWN_WORDS: ("framing_unknown_words", "Words of articles that were not met in training.", ()),
    SWAP: (
        "framing_model_swaps",
        "What became of model versions that were to serve: served, or the problem.",
        ("role", "outcome"),
    ),
    RESTART: ("framing_worker_restarts", "Workers that ended unasked and were replaced.", ()),
    SHADOW: ("framing_shadow_articles", "Articles that the challenger answered too, in the background.", ()),
    DISAGREEMENT: (
        "framing_shadow_disagreements",
        "Labels that only one of champion and challenger gave.",
        ("kind", "label"),
    ),
    LOG_DROPPED: ("framing_log_lines_dropped", "Log lines of calls that standard error did not take in time.", ()),
}
_HISTOGRAMS = {
    BATCH: ("framing_batch_articles", "Articles of a batch.", BATCH_EDGES),
    KNOWN_SHARE: ("framing_known_word_share", "Share of an article's words met in training.", KNOWN_SHARE_EDGES),
    WORDS: ("framing_article_words", "Words of an article.", WORDS_EDGES),
}
_BY_WORKER: dict[str, tuple[type[GaugeMetricFamily | CounterMetricFamily], str, str]] = {
    "waiting": (GaugeMetricFamily, "framing_calls_waiting", "Calls that wait for an answer."),
    "open": (GaugeMetricFamily, "framing_calls_in_flight", "Calls that are open, streams among them."),
    "resident_bytes": (GaugeMetricFamily, "framing_worker_resident_bytes", "Memory that a worker holds."),
    "cpu_seconds": (CounterMetricFamily, "framing_worker_cpu_seconds", "Processor time since a worker's start."),
}


class Metrics(Collector):
    """The metrics of a server, as its supervisor's observer: made of what the workers report, from any thread.

    What a worker counted stays when it has ended; what was the case in it just now does not.
    """

    def __init__(self, *, drift_seconds: float) -> None:
        self._counts = Counts()
        for role, outcome in product((CHAMPION, CHALLENGER), (_SERVED, *Problem)):
            self._counts.increment((SWAP, role, outcome), 0)  # a rise from nothing is a rise only if there was a zero
        self._lock = threading.Lock()
        self._messages: dict[str, Message] = {}
        self._retired: list[Sequence[Any]] = []
        self._drift = DriftWindow(drift_seconds)

    def reported(self, worker: str, message: Message) -> None:
        """Take the latest message of `worker`, as `Telemetry.message` makes it."""
        with self._lock:
            self._messages[worker] = message

    def ended(self, worker: str, *, crashed: bool) -> None:
        """Keep the counts of a worker that has ended, and forget the rest."""
        if crashed:
            self._counts.increment((RESTART,))
        with self._lock:
            message = self._messages.pop(worker, None)
            if message:
                total = merged([*self._retired, message["counts"]])
                self._retired = [[[key, row] for key, row in total.items()]]

    def swapped(self, outcome: SwapOutcome) -> None:
        """Count what became of a version."""
        self._counts.increment((SWAP, outcome.role, outcome.problem or _SERVED))

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        with self._lock:
            messages = self._messages
            totals = merged([self._counts.message(), *self._retired, *(held["counts"] for held in messages.values())])
            self._drift.update(_latest_reference(messages.values()), totals)
            yield from _calls(totals)
            yield from _answers(totals)
            yield from _numbers(totals)
            yield from _histograms(totals)
            yield from _by_worker(messages)
            yield from _models(messages)
            yield from _drifts(self._drift)


@contextlib.contextmanager
def served_metrics(settings: Settings) -> Iterator[Metrics]:
    """Yield metrics that a thread serves meanwhile at ``http://ADDRESS/metrics``.

    Raises ConfigError if `settings.metrics_address` cannot be had.
    """
    address = settings.metrics_address
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"FRAMING_METRICS_ADDRESS: expected host:port, got {address!r}")
    metrics, registry = Metrics(drift_seconds=settings.drift_seconds), CollectorRegistry()
    registry.register(metrics)
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"FRAMING_METRICS_ADDRESS: cannot listen on {address}: {error}") from error
    try:
        yield metrics
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _latest_reference(messages: Iterable[Message]) -> BinCounts:
    """Return the reference of the model that was loaded last."""
    models: list[Mapping[str, Any]] = [message["model"] for message in messages if message["model"]]
    reference: BinCounts = max(models, key=lambda model: float(model["since"]))["reference"] if models else {}
    return reference


def _calls(totals: Mapping[Key, Row]) -> Iterator[Metric]:
    handled = CounterMetricFamily("grpc_server_handled", "Calls that ended.", labels=(*_CALL_LABELS, "grpc_code"))
    times = HistogramMetricFamily("grpc_server_handling_seconds", "Time from request to reply.", labels=_CALL_LABELS)
    by_method: dict[tuple[str, ...], Row] = {}
    for (kind, *labels), row in totals.items():
        if kind == CALL:
            service, method, type_, code = labels
            handled.add_metric([type_, service, method, code], sum(row[1:]))
            held = by_method.get((type_, service, method), [0.0] * len(row))
            by_method[type_, service, method] = [a + b for a, b in zip(held, row, strict=True)]
    for names, row in by_method.items():
        times.add_metric(names, *_buckets(row, SECONDS_EDGES))
    yield handled
    yield times


def _answers(totals: Mapping[Key, Row]) -> Iterator[Metric]:
    """Yield what one number for each kind of answer tells of languages, labels and abstentions."""
    counts: dict[str, dict[tuple[str, ...], float]] = {"articles": {}, "labels": {}, "abstentions": {}}
    for (kind, *labels), (number, *_) in totals.items():
        if kind == ANSWER:
            language, abstention, framing, *topics = labels
            given = [("topic", topic) for topic in topics] + ([("framing", framing)] if framing else [])
            told = [("articles", (language,)), *(("labels", label) for label in given)]
            for name, key in [*told, *([("abstentions", (abstention,))] if abstention else [])]:
                counts[name][key] = counts[name].get(key, 0) + number
    families = (
        CounterMetricFamily("framing_articles", "Articles answered.", labels=("language",)),
        CounterMetricFamily("framing_labels", "Labels given.", labels=("kind", "label")),
        CounterMetricFamily("framing_abstentions", "Articles whose framing was withheld.", labels=("reason",)),
    )
    for family, held in zip(families, counts.values(), strict=True):
        for names, number in held.items():
            family.add_metric(names, number)
        yield family


def _numbers(totals: Mapping[Key, Row]) -> Iterator[Metric]:
    for kind, (name, text, labels) in _COUNTERS.items():
        family = CounterMetricFamily(name, text, labels=labels)
        if not labels:
            family.add_metric((), totals.get((kind,), [0.0])[0])
        for (found, *names), row in totals.items():
            if found == kind and names:
                family.add_metric(names, row[0])
        yield family


def _histograms(totals: Mapping[Key, Row]) -> Iterator[Metric]:
    for kind, (name, text, edges) in _HISTOGRAMS.items():
        family = HistogramMetricFamily(name, text)
        buckets, total = _buckets(totals[kind,], edges)
        family.add_metric((), buckets, total)
        yield family


def _buckets(row: Row, edges: Sequence[float]) -> tuple[list[tuple[str, float]], float]:
    """Return cumulative buckets and the sum, as Prometheus wants them."""
    names = [*map(str, map(float, edges)), "+Inf"]
    return list(zip(names, accumulate(row[1:]), strict=True)), row[0]


def _by_worker(messages: Mapping[str, Message]) -> Iterator[Metric]:
    for kind, (make, name, text) in _BY_WORKER.items():
        family = make(name, text, labels=("worker",))
        for worker, message in messages.items():
            if kind in message["gauges"]:
                family.add_metric((worker,), message["gauges"][kind])
        yield family


def _models(messages: Mapping[str, Message]) -> Iterator[Metric]:
    labels = ("worker", "model_version", "taxonomy_version", "run_id")
    info = GaugeMetricFamily("framing_model_info", "The model that a worker answers with; always 1.", labels=labels)
    since = GaugeMetricFamily("framing_model_load_timestamp_seconds", "Since when it does.", labels=("worker",))
    for worker, message in messages.items():
        if model := message["model"]:
            info.add_metric((worker, model["version"], model["taxonomy_version"], model["run_id"]), 1)
            since.add_metric((worker,), model["since"])
    yield info
    yield since


def _drifts(window: DriftWindow) -> Iterator[Metric]:
    articles = GaugeMetricFamily("framing_drift_articles", "Articles in the window in which drift is measured.")
    articles.add_metric((), window.articles)
    index = GaugeMetricFamily("framing_drift_psi", "Population stability index against training.", labels=("feature",))
    chance = GaugeMetricFamily(
        "framing_drift_psi_chance", "The index that chance exceeds once in a thousand times.", labels=("feature",)
    )
    for feature, drift in window.drifts().items():
        index.add_metric((feature,), drift.index)
        chance.add_metric((feature,), drift.chance)
    yield articles
    yield index
    yield chance
