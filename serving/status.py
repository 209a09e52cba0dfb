"""From exceptions to google.rpc.Status: the one place where errors become replies, and the one catch-all."""

import logging
import secrets
import traceback

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from framing.errors import (
    DeadlineTooShort,
    FramingError,
    InvalidInput,
    ModelUnavailable,
    NotPermitted,
    NotServed,
    Overloaded,
    StreamIdle,
    StreamTooLong,
    Unauthenticated,
)

DOMAIN = "framing.v1"
DETAILS_KEY = "grpc-status-details-bin"

_LOG = logging.getLogger("framing.serving")
_CODES: tuple[tuple[type[FramingError], int, str], ...] = (
    (ModelUnavailable, code_pb2.UNAVAILABLE, "MODEL_NOT_READY"),
    (DeadlineTooShort, code_pb2.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT"),
    (NotPermitted, code_pb2.PERMISSION_DENIED, "METHOD_NOT_PERMITTED"),
    (StreamTooLong, code_pb2.RESOURCE_EXHAUSTED, "STREAM_TOO_LONG"),
    (StreamIdle, code_pb2.DEADLINE_EXCEEDED, "STREAM_IDLE"),
)
_GRPC_CODES = {code.value[0]: code for code in grpc.StatusCode}


def to_status(error: Exception) -> status_pb2.Status:
    """Return the status that tells a caller about `error`; nothing of an unexpected error leaves the process."""
    if isinstance(error, InvalidInput):
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=str(error))
        details = error_details_pb2.BadRequest(field_violations=[violation])
        code = code_pb2.NOT_FOUND if isinstance(error, NotServed) else code_pb2.INVALID_ARGUMENT
        return _status(code, f"{error.field}: {error}", error.reason, details)
    if isinstance(error, Unauthenticated):
        return _status(code_pb2.UNAUTHENTICATED, str(error), error.reason)
    if isinstance(error, Overloaded):
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(round(error.retry_seconds * 1e9))
        return _status(code_pb2.RESOURCE_EXHAUSTED, str(error), "OVERLOADED", retry)
    for kind, code, reason in _CODES:
        if isinstance(error, kind):
            return _status(code, str(error), reason)
    log_id = secrets.token_hex(16)
    where = "".join(traceback.format_tb(error.__traceback__))  # not the message, which may hold words of the text
    _LOG.error("internal error log_id=%s type=%s\n%s", log_id, type(error).__name__, where)
    return _status(code_pb2.INTERNAL, f"internal error, log id {log_id}", "INTERNAL")


def grpc_code(status: status_pb2.Status) -> grpc.StatusCode:
    """Return the code of `status` as gRPC's Python library names it."""
    return _GRPC_CODES[status.code]


def trailing_metadata(status: status_pb2.Status) -> tuple[tuple[str, bytes], ...]:
    """Return the metadata in which gRPC carries the details of `status`."""
    return ((DETAILS_KEY, status.SerializeToString()),)


def _status(code: int, message: str, reason: str, *details: Message) -> status_pb2.Status:
    packed: list[any_pb2.Any] = []
    for detail in (error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN), *details):
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code, message=message, details=packed)
