"""Logs on standard error, for people or as JSON lines, and one line a call that no call waits for.

Nothing of a text is ever logged: of an unexpected error only its kind and where it arose, for its message may quote
one.
"""

import json
import logging
import os
import select
import sys
import threading
import time
import traceback
from collections import deque
from datetime import UTC, datetime
from functools import lru_cache

from framing.errors import FramingError
from serving.call_context import CallContext
from serving.settings import Settings

# What stands in these is checked or made here, of letters that JSON takes as they are.
_HUMAN = "%s INFO framing.serving method=%s code=%s ms=%.2f model=%s request_id=%s trace_id=%s\n"
_JSON = (
    '{"time": "%s", "level": "INFO", "logger": "framing.serving", "message": "call", "method": "%s", "code": "%s", '
    '"ms": %.3f, "model": "%s", "request_id": "%s", "trace_id": "%s"}\n'
)

_FLUSH_SECONDS = 0.05
_MOST_WAITING = 20_000
_ATOMIC = select.PIPE_BUF  # writes of no more bytes are never torn where several processes share the pipe


def start_logging(settings: Settings) -> None:
    """Log to standard error from now on, the same in every process of the server."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else HumanFormatter())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)


class HumanFormatter(logging.Formatter):
    """Time, level, logger, message; an error as its kind and where it arose."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(process)d %(name)s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802  # logging's
        """Return the time of `record` in UTC."""
        return _timestamp(record.created)

    def formatException(self, ei: object) -> str:  # noqa: N802  # the name is logging's
        """Return the error without the text that it may quote."""
        return _told(ei[1]) if isinstance(ei, tuple) else ""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and error where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return `record` as one line."""
        line = {
            "time": _timestamp(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = _told(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


class CallLog:
    """Writes a line for each call to the file descriptor `target` from a thread of its own, many at once.

    Where the reader is too slow, lines are dropped and counted in `dropped`: a call never waits for its log.
    """

    def __init__(self, target: int, style: str) -> None:
        self.dropped = 0
        self._target = target
        self._form = _JSON if style == "json" else _HUMAN
        self._lines: deque[str] = deque()
        self._second = -1
        self._stamp = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="call-log", daemon=True)
        self._thread.start()

    def add(self, method: str, code: str, seconds: float, version: str, context: CallContext) -> None:
        """Log a call that took `seconds` and was answered, if at all, by the model `version`."""
        if len(self._lines) >= _MOST_WAITING:
            self.dropped += 1
            return
        values = (self._now(), method, code, seconds * 1000, _escaped(version), context.request_id, context.trace_id)
        self._lines.append(self._form % values)

    def close(self) -> None:
        """Write what waits and end."""
        self._stop.set()
        self._thread.join()

    def _now(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = second
        return f"{self._stamp}.{int((now - second) * 1000):03d}Z"

    def _run(self) -> None:
        while not self._stop.wait(_FLUSH_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        chunk = b""
        for _ in range(len(self._lines)):
            line = self._lines.popleft().encode("utf-8", "replace")
            if len(chunk) + len(line) > _ATOMIC:
                self._write(chunk)
                chunk = b""
            chunk += line
        self._write(chunk)

    def _write(self, chunk: bytes) -> None:
        try:
            while chunk:
                chunk = chunk[os.write(self._target, chunk) :]
        except OSError:  # the reader has gone, the disk is full: serving goes on
            self.dropped += chunk.count(b"\n")


@lru_cache(maxsize=8)
def _escaped(version: str) -> str:
    return json.dumps(version)[1:-1]


def _told(error: BaseException) -> str:
    message = str(error) if isinstance(error, FramingError) else "(message withheld)"
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    return f"{type(error).__name__}: {message}\n{frames}".rstrip()


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
