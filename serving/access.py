"""Who may call what: bearer tokens in a file, and the guard in front of every service.

Each line of the file is ``NAME SHA256 METHOD...``: a name for people, the SHA-256 of the token in hexadecimal, and the
methods that it allows: ``framing.v1.ClassificationService/ClassifyArticle``, a whole service
``framing.v1.ClassificationService/*``, or ``*``. Empty lines and lines that begin with # say nothing. The file is read
anew when it changes; while it is wrong, the tokens read before stay in force. Two lines may share a name: that is how
a token is replaced without a gap.
"""

import hashlib
import hmac
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from framing.errors import ConfigError, FramingError, NotPermitted, Unauthenticated
from serving.calls import Calls

# What asks only whether the server lives is answered to all: probes have no credentials.
OPEN_METHODS = frozenset(
    {
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/inference.GRPCInferenceService/ServerLive",
        "/inference.GRPCInferenceService/ServerReady",
    }
)
_REREAD_SECONDS = 1.0
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_METHOD = re.compile(r"\*|[\w.]+/(\*|\w+)")
_BEARER = "bearer "
_LOG = logging.getLogger("framing.serving")


@dataclass(frozen=True, slots=True)
class Grant:
    """What the token with this digest allows."""

    name: str
    digest: bytes
    methods: frozenset[str]

    def permits(self, method: str) -> bool:
        """Return whether `method`, as "service/method", is allowed."""
        return not self.methods.isdisjoint((method, f"{method.partition('/')[0]}/*", "*"))


class TokenFile:
    """The tokens in a file. ConfigError that names the line if it is wrong when it is first read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._look()
        self._grants = read_grants(path)
        self._next_look = time.monotonic() + _REREAD_SECONDS

    def check(self, path: str, metadata: Iterable[tuple[str, str | bytes]]) -> str:
        """Return the name of the token in `metadata` if it allows `path`, which is "/service/method".

        Raises Unauthenticated or NotPermitted. Every token is compared, each in constant time.
        """
        self._reread()
        digest = hashlib.sha256(_bearer_token(metadata)).digest()
        found = [grant for grant in self._grants if hmac.compare_digest(grant.digest, digest)]
        if not found:
            raise Unauthenticated("CREDENTIALS_INVALID", "expected a bearer token that is known, got another")
        if not found[0].permits(path[1:]):
            raise NotPermitted("expected a token that allows this method, got one that does not")
        return found[0].name

    def _reread(self) -> None:
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _REREAD_SECONDS
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._grants = read_grants(self._path)
            _LOG.info("tokens read anew from %s: %d", self._path, len(self._grants))
        except ConfigError as error:
            _LOG.error("tokens not read anew, those read before stay in force: %s", error)  # no bug of ours

    def _look(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)


def read_grants(path: Path) -> tuple[Grant, ...]:
    """Return the grants in the file at `path`; ConfigError that names the line, and never says what is in it."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"FRAMING_TOKENS: {path}: {type(error).__name__}") from error
    grants: dict[bytes, Grant] = {}
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 3 or not _DIGEST.fullmatch(words[1]) or not all(map(_METHOD.fullmatch, words[2:])):
            raise ConfigError(f"FRAMING_TOKENS: {path}:{number}: expected NAME SHA256 METHOD..., got something else")
        grant = Grant(words[0], bytes.fromhex(words[1]), frozenset(words[2:]))
        if grant.digest in grants:
            raise ConfigError(f"FRAMING_TOKENS: {path}:{number}: expected each token once, got one again")
        grants[grant.digest] = grant
    return tuple(grants.values())


class Guard(grpc.aio.ServerInterceptor):
    """A check of tokens in front of every method, made before a message of the call is read."""

    def __init__(self, tokens: TokenFile, calls: Calls) -> None:
        self._tokens = tokens
        self._calls = calls

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """Return the handler of the call, or one that refuses it; None if there is no such method."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method in OPEN_METHODS:
            return handler
        try:
            self._tokens.check(method, handler_call_details.invocation_metadata or ())
        except FramingError as error:
            return self._calls.refusal(method, handler, error)
        return handler


def _bearer_token(metadata: Iterable[tuple[str, str | bytes]]) -> bytes:
    values = [value for key, value in metadata if key == "authorization"]
    value = values[0] if len(values) == 1 else ""
    if not isinstance(value, str) or value[: len(_BEARER)].lower() != _BEARER:
        raise Unauthenticated("CREDENTIALS_MISSING", "expected metadata 'authorization: Bearer TOKEN' once")
    return value[len(_BEARER) :].strip().encode()
