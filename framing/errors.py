"""Every way in which the house can fail, on one screen.

FramingError
├── InvalidInput          what a caller sent cannot be classified
│   └── NotServed         a model or version that is not the one served
├── DataError             labelled data that breaks its schema
├── ConfigError           a setting that is unknown or out of range
├── Busy                  another process does the same, or was faster
├── Unauthenticated       a call without credentials that are known
├── NotPermitted          a call that these credentials do not allow
├── Overloaded            more work than the server accepts at once
├── DeadlineTooShort      work that cannot be done in the time that is left
├── StreamTooLong         more articles than one stream may have
├── StreamIdle            a stream on which nothing was sent or read for too long
├── CrashLoop             workers of the server crash as fast as they are replaced
└── ModelError
    ├── BundleError       a model directory that is not what it says
    └── ModelUnavailable  no model could be found or fetched
"""


class FramingError(Exception):
    """The base of every error raised on purpose here."""


class InvalidInput(FramingError):
    """A request that cannot be answered because of what is in it.

    `reason` is stable and upper-case (``TEXT_EMPTY``), `field` the path of the offending field as the
    caller knows it (``article.text``), and the message says what was expected and what came.
    """

    def __init__(self, reason: str, field: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.field = field


class NotServed(InvalidInput):
    """A request for a model or a version that is not the one served."""


class DataError(FramingError):
    """Labelled data that breaks its schema. The message names file, line and column."""


class ConfigError(FramingError):
    """A setting that is unknown or out of range. The message names the path of the setting."""


class Busy(FramingError):
    """Another process holds the lock, or changed first what was to be changed: trying again later may succeed."""


class Unauthenticated(FramingError):
    """A call without credentials that are known. `reason` is CREDENTIALS_MISSING or CREDENTIALS_INVALID."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NotPermitted(FramingError):
    """A call that its credentials, though known, do not allow."""


class Overloaded(FramingError):
    """More work than the server accepts at once. After `retry_seconds` it may have done what it had."""

    def __init__(self, message: str, retry_seconds: float) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class DeadlineTooShort(FramingError):
    """Work that cannot be done in the time that its caller has left, even with nothing else to do."""


class StreamTooLong(FramingError):
    """More articles than one stream may have."""


class StreamIdle(FramingError):
    """A stream on which its caller sent and read nothing for too long."""


class CrashLoop(FramingError):
    """Workers of the server crash as fast as they are replaced. The message says how often, and with what at last."""


class ModelError(FramingError):
    """A model that cannot be used."""


class BundleError(ModelError):
    """A model directory that is not what it says: a foreign file, a wrong digest, other predictions."""


class ModelUnavailable(ModelError):
    """No model could be found or fetched."""
