"""Spans, in memory and sent to a collector that this test plays itself."""

import queue
import subprocess
import sys
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra [tracing] is not installed")

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from serving.call_context import CallContext
from serving.telemetry import Method
from serving.tracing import SpanRecorder, otlp_recorder

METHOD = Method("framing.v1.ClassificationService", "ClassifyArticle")
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_span_is_the_child_of_the_callers() -> None:
    exporter = InMemorySpanExporter()
    recorder = SpanRecorder(exporter)
    assert recorder.record(METHOD, "OK", 0.25, CallContext("id-1", TRACE, PARENT, sampled=True)) == TRACE
    recorder.close()
    (span,) = exporter.get_finished_spans()
    assert span.name == "framing.v1.ClassificationService/ClassifyArticle"
    assert (span.kind, span.status.status_code) == (SpanKind.SERVER, StatusCode.UNSET)
    assert span.parent is not None
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    assert span.end_time - span.start_time == 250_000_000
    assert span.attributes["rpc.grpc.status_code"] == 0
    assert span.attributes["framing.request_id"] == "id-1"


def test_without_a_callers_trace_one_begins() -> None:
    exporter = InMemorySpanExporter()
    recorder = SpanRecorder(exporter)
    ids = {recorder.record(METHOD, "INTERNAL", 0.001, CallContext("id")) for _ in range(2)}
    recorder.close()
    spans = exporter.get_finished_spans()
    assert {f"{span.context.trace_id:032x}" for span in spans} == ids
    assert len(ids) == 2
    assert all(span.parent is None and span.status.status_code == StatusCode.ERROR for span in spans)


def test_a_trace_that_the_caller_does_not_sample_is_not_sent() -> None:
    exporter = InMemorySpanExporter()
    recorder = SpanRecorder(exporter)
    assert recorder.record(METHOD, "OK", 0.001, CallContext("id", TRACE, PARENT, sampled=False)) == TRACE
    recorder.close()
    assert exporter.get_finished_spans() == ()


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002  # as generated
        for resource in request.resource_spans:
            names = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.put((names["service.name"], span.parent_span_id))
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    server, collector = grpc.server(futures.ThreadPoolExecutor(2)), Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield collector, f"http://127.0.0.1:{port}"
    server.stop(None)


def test_a_collector_gets_the_spans_over_otlp(collector: tuple[Collector, str]) -> None:
    stub, endpoint = collector
    recorder = otlp_recorder(endpoint)
    recorder.record(METHOD, "OK", 0.001, CallContext("id", TRACE, PARENT, sampled=True))
    recorder.close()
    assert stub.spans.get(timeout=10) == ("framing", bytes.fromhex(PARENT))


def test_nothing_of_it_is_imported_where_tracing_is_off() -> None:
    code = (
        "import sys; from serving.settings import Settings; from serving.telemetry import make_telemetry\n"
        "make_telemetry(Settings()).close()\n"
        "print([name for name in ('opentelemetry', 'prometheus_client') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
