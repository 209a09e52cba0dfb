"""What a client's connection is made of: security, retries, hedging, and errors as the server means them."""

import json
import queue
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.rpc import code_pb2, error_details_pb2, status_pb2

from framing.errors import ConfigError, FramingError
from serving.status import DETAILS_KEY
from serving.transport import is_loopback

MAX_MESSAGE_BYTES = 64 << 20

# Each of these may be repeated: it changes nothing. UNAVAILABLE says that the server did not take the call, or is gone.
_SAFE_METHODS = ("ClassifyArticle", "BatchClassifyArticles", "StreamClassifyArticles", "GetModelInfo")
SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{"service": "framing.v1.ClassificationService", "method": method} for method in _SAFE_METHODS],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",  # then 0.3, 0.9 and 2.7: four seconds, for a worker to be replaced
                "maxBackoff": "3s",
                "backoffMultiplier": 3,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    # A call that fails takes a token, and with half of them gone none is tried again. There are as many as gRPC allows:
    # with a worker that is killed hundreds of calls of one client may fail.
    "retryThrottling": {"maxTokens": 1000, "tokenRatio": 0.5},
}
# gRPC connects again after 1 s, and fails calls until then: by that time they would have been tried in vain.
_FIRST_RECONNECT_MS, _LAST_RECONNECT_MS = 100, 5_000
_KEEPALIVE_MS = 30_000  # the server allows a ping every 10 s
_PLACE = re.compile(r"articles\[(\d+)\]")


class CallError(FramingError):
    """A call that failed: `code` such as INVALID_ARGUMENT, `reason` such as TEXT_EMPTY, `field` or empty.

    `retry_seconds` is after which time the server invites to try again, 0 if it does not.
    """

    def __init__(self, code: str, reason: str, field: str, message: str, retry_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.field = field
        self.retry_seconds = retry_seconds

    def __str__(self) -> str:
        return " ".join(part for part in (self.code, self.reason, self.args[0]) if part)

    def moved(self, places: int) -> "CallError":
        """Return this error with the numbers of articles in it greater by `places`."""
        field, message = (
            _PLACE.sub(lambda found: f"articles[{int(found[1]) + places}]", text) for text in (self.field, self.args[0])
        )
        return CallError(self.code, self.reason, field, message, self.retry_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """How a client trusts the server and makes itself known to it. PEM files as bytes.

    Without `authorities` those of the system are trusted. `certificate` and `key` are for mutual TLS. `token` is a
    bearer token; without `tls` it is sent to this machine only.
    """

    tls: bool = False
    authorities: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None
    token: str = ""

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the metadata of each call."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()


PLAIN = Security()


def open_channel(address: str, security: Security) -> grpc.Channel:
    """Return a channel with retries and keepalive; ConfigError where it would give the token away."""
    options: list[tuple[str, Any]] = [
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.per_rpc_retry_buffer_size", MAX_MESSAGE_BYTES),  # what is not kept is not tried again
        ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
        ("grpc.initial_reconnect_backoff_ms", _FIRST_RECONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", _LAST_RECONNECT_MS),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
    ]
    if not security.tls:
        if security.token and not is_loopback(address):
            raise ConfigError(f"expected TLS, or an address of this machine, to send a token to; got {address}")
        return grpc.insecure_channel(address, options)
    if (security.certificate is None) != (security.key is None):
        raise ConfigError("expected a certificate and its key, or neither; got one")
    credentials = grpc.ssl_channel_credentials(security.authorities, security.key, security.certificate)
    return grpc.secure_channel(address, credentials, options)


def hedged(start: Callable[[], Any], delay: float) -> Any:
    """Return the result of the call that `start` begins; after `delay` seconds another is begun and the first counts.

    grpc.RpcError if the first call fails before that, or both fail. (gRPC's core ignores `hedgingPolicy`.)
    """
    finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
    first = start()
    first.add_done_callback(finished.put)
    try:
        return finished.get(timeout=delay).result()
    except queue.Empty:
        second = start()
    second.add_done_callback(finished.put)
    winner = finished.get()
    if winner.exception() is not None:
        winner = finished.get()
    (second if winner is first else first).cancel()
    return winner.result()


def read_file(path: Path) -> bytes:
    """Return what is in the file at `path`; ConfigError that names it if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def call_error(error: grpc.RpcError) -> CallError:
    """Return what a failed call says, with the reason and field of its details."""
    metadata: Any = error.trailing_metadata() or ()
    for key, value in metadata:
        if key == DETAILS_KEY:
            return status_error(status_pb2.Status.FromString(value))
    return CallError(error.code().name, "", "", error.details() or "")


def status_error(status: status_pb2.Status) -> CallError:
    """Return `status`, as it stands in a stream's response or in a failed call, as an error."""
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for detail in status.details:
        for kind in (info, bad, retry):
            detail.Unpack(kind)
    field = bad.field_violations[0].field if bad.field_violations else ""
    seconds = retry.retry_delay.ToNanoseconds() / 1e9
    return CallError(code_pb2.Code.Name(status.code), info.reason, field, status.message, seconds)
