"""What is told of calls while they are answered: counts, a log line, a span. The service's one door to all three."""

import logging
import resource
import sys
import time
from collections.abc import Callable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from google.rpc import code_pb2

from framing.errors import ConfigError
from framing.model import FramingModel
from framing.reference import read_reference
from serving.call_context import REQUEST_ID, CallContext, RequestIds, read_context
from serving.counts import CALL, LOG_DROPPED, Counts, Key
from serving.logs import CallLog
from serving.settings import Settings

_CODES = tuple(name for name, _ in sorted(code_pb2.Code.items(), key=itemgetter(1)))
_PAGE_BYTES = resource.getpagesize()


class Method:
    """A method of a service; `kind` is unary, client_stream, server_stream or bidi_stream."""

    def __init__(self, service: str, name: str, kind: str = "unary") -> None:
        self.service = service
        self.name = name
        self.kind = kind
        self.keys: tuple[Key, ...] = tuple((CALL, service, name, kind, code) for code in _CODES)


class Call(NamedTuple):
    """A call that is being answered: whose it is and when it began, in seconds of a clock of its own."""

    method: Method
    context: CallContext
    begin: float

    @property
    def echo(self) -> tuple[tuple[str, str], ...]:
        """The metadata by which the caller finds this call again in the logs."""
        return ((REQUEST_ID, self.context.request_id),)


class ServicerContext(Protocol):
    """What is needed of gRPC's context of a call."""

    def invocation_metadata(self) -> Any:
        """Return the metadata that the caller sent."""

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        """Send `trailing_metadata` with the reply."""


class Tracer(Protocol):
    """Makes spans."""

    def record(self, method: Method, code: str, seconds: float, context: CallContext) -> str:
        """Make the span of a call that ended just now; return its trace id."""

    def close(self) -> None:
        """Send what waits, and end."""


def make_telemetry(settings: Settings) -> "Telemetry":
    """Return what tells of the calls of this process as `settings` say; ConfigError if tracing is not installed."""
    told = logging.getLevelNamesMapping()[settings.log_level] <= logging.INFO
    log = CallLog(sys.stderr.fileno(), settings.log_format) if told else None
    return Telemetry(log=log, tracer=_tracer(settings.tracing_endpoint) if settings.tracing_endpoint else None)


def _tracer(endpoint: str) -> Tracer:
    try:
        from serving.tracing import otlp_recorder
    except ImportError as error:
        message = f"FRAMING_TRACING_ENDPOINT: expected the extra [tracing] to be installed: {error}"
        raise ConfigError(message) from error
    return otlp_recorder(endpoint)


class Telemetry:
    """Counts, logs and traces the calls of one process. `gauges` tells what is the case just now, by name."""

    def __init__(self, *, log: CallLog | None = None, tracer: Tracer | None = None) -> None:
        self.counts = Counts()
        self.gauges: Callable[[], Mapping[str, float]] = dict
        self._log = log
        self._tracer = tracer
        self._ids = RequestIds()
        self._model: dict[str, Any] = {}

    def begin(self, method: Method, context: ServicerContext) -> Call:
        """Return the call that begins; a request id that the caller sent goes back with the reply."""
        read, sent = read_context(context.invocation_metadata() or (), self._ids)
        call = Call(method, read, time.perf_counter())
        if sent:
            context.set_trailing_metadata(call.echo)
        return call

    def end(self, call: Call, code: int, version: str) -> None:
        """Tell of `call`, which ended with `code` and was answered, if at all, by the model `version`."""
        method, seconds = call.method, time.perf_counter() - call.begin
        self.counts.call(method.keys[code], seconds)
        context = call.context
        if self._tracer:
            context = context._replace(trace_id=self._tracer.record(method, _CODES[code], seconds, context))
        if self._log:
            self._log.add(method.name, _CODES[code], seconds, version, context)

    def loaded(self, model: FramingModel) -> None:
        """Tell that `model` answers from now on."""
        self._model = {
            "version": model.version,
            "taxonomy_version": model.taxonomy.version,
            "run_id": str(model.info.get("run_id", "")),
            "since": time.time(),
            "reference": read_reference(model.info),
        }

    def message(self) -> dict[str, Any]:
        """Return as JSON data what `serving.metrics.Metrics.report` takes; safe in any thread."""
        dropped = [[(LOG_DROPPED,), [self._log.dropped]]] if self._log else []
        gauges = {**self.gauges(), "resident_bytes": resident_bytes(), "cpu_seconds": time.process_time()}
        return {"counts": self.counts.message() + dropped, "gauges": gauges, "model": self._model}

    def close(self) -> None:
        """Write out what waits."""
        for part in (self._log, self._tracer):
            if part:
                part.close()


def resident_bytes() -> float:
    """Return the memory that this process holds, 0 where the system does not tell."""
    try:
        return float(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return 0.0
