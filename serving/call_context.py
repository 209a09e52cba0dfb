"""Whose call it is: the request id and the W3C trace context in the metadata of a call."""

import itertools
import re
import secrets
from collections.abc import Iterable
from typing import NamedTuple

REQUEST_ID = "x-request-id"
TRACEPARENT = "traceparent"

_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")  # nothing that could end a log line or a field of it
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class CallContext(NamedTuple):
    """A call's `request_id`; and where the caller traces, `trace_id`, `parent_id` (hexadecimal) and `sampled`."""

    request_id: str
    trace_id: str = ""
    parent_id: str = ""
    sampled: bool = False


class RequestIds:
    """Makes ids that no other process makes: a random beginning and a number."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    def __call__(self) -> str:
        return f"{self._prefix}{next(self._numbers):08x}"


def read_context(metadata: Iterable[tuple[str, str | bytes]], new_id: RequestIds) -> tuple[CallContext, bool]:
    """Return the context in `metadata` and whether the caller sent the request id.

    An id that the caller did not send, or one unfit for a log line, is replaced by one of our own.
    """
    request_id, parent = "", None
    for key, value in metadata:
        if key == REQUEST_ID and isinstance(value, str) and _ID.fullmatch(value):
            request_id = value
        elif key == TRACEPARENT and isinstance(value, str):
            parent = _parent(value)
    return CallContext(request_id or new_id(), *(parent or ())), bool(request_id)


def _parent(value: str) -> tuple[str, str, bool] | None:
    """Return trace id, parent id and the sampled flag of a traceparent; None if it is not valid.

    W3C Trace Context, section 3.2: version ff and ids of zeros are invalid, version 00 ends with the flags,
    and of later versions the beginning is read.
    """
    found = _PARENT.fullmatch(value.strip())
    if not found:
        return None
    version, trace_id, parent_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(parent_id, 16):
        return None
    return trace_id, parent_id, bool(int(flags, 16) & 1)
