"""OpenTelemetry spans of calls, sent to a collector over OTLP. Imported only where tracing is on: an extra, [tracing].

What a span is called and says follows OpenTelemetry's semantic conventions for RPC servers. The SDK's own variables
hold: OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, OTEL_EXPORTER_OTLP_HEADERS and the like.
"""

import time

from google.rpc import code_pb2
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    format_trace_id,
    set_span_in_context,
)

from serving.call_context import CallContext
from serving.telemetry import Method

_OUR_FAULT = ("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")
_BILLION = 1_000_000_000


class SpanRecorder:
    """Makes a span of each call and hands it to `exporter` in the background."""

    def __init__(self, exporter: SpanExporter) -> None:
        resource = Resource.create({SERVICE_NAME: "framing"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("framing.serving")

    def record(self, method: Method, code: str, seconds: float, context: CallContext) -> str:
        """Make the span of a call that ended just now with `code` after `seconds`; return its trace id."""
        end = time.time_ns()
        span = self._tracer.start_span(
            f"{method.service}/{method.name}",
            context=_parent(context),
            kind=SpanKind.SERVER,
            attributes={
                "rpc.system": "grpc",
                "rpc.service": method.service,
                "rpc.method": method.name,
                "rpc.grpc.status_code": code_pb2.Code.Value(code),
                "framing.request_id": context.request_id,
            },
            start_time=end - int(seconds * _BILLION),
        )
        if code in _OUR_FAULT:
            span.set_status(Status(StatusCode.ERROR, code))
        span.end(end)
        return format_trace_id(span.get_span_context().trace_id)

    def close(self) -> None:
        """Send what waits, and end."""
        self._provider.shutdown()


def otlp_recorder(endpoint: str) -> SpanRecorder:
    """Return a recorder that sends to the collector at `endpoint`, in plaintext if it begins with ``http:``."""
    return SpanRecorder(OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http:")))


def _parent(context: CallContext) -> Context:
    """Return what makes a span the child of the caller's, if the caller traces."""
    if not context.trace_id:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT)
    parent = SpanContext(int(context.trace_id, 16), int(context.parent_id, 16), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(parent), Context())
