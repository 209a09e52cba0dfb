"""Every way in which the house can fail, on one screen.

FramingError
├── InvalidInput          what a caller sent cannot be classified
├── DataError             labelled data that breaks its schema
├── ConfigError           a setting that is unknown or out of range
├── Busy                  another process does the same, or was faster
├── Overloaded            more work than the server accepts at once
├── ShuttingDown          the server answers what it has accepted, and no more
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


class DataError(FramingError):
    """Labelled data that breaks its schema. The message names file, line and column."""


class ConfigError(FramingError):
    """A setting that is unknown or out of range. The message names the path of the setting."""


class Busy(FramingError):
    """Another process holds the lock, or changed first what was to be changed: trying again later may succeed."""


class Overloaded(FramingError):
    """More work than the server accepts at once."""


class ShuttingDown(FramingError):
    """The server answers what it has accepted, and no more."""


class CrashLoop(FramingError):
    """Workers of the server crash as fast as they are replaced. The message says how often, and with what at last."""


class ModelError(FramingError):
    """A model that cannot be used."""


class BundleError(ModelError):
    """A model directory that is not what it says: a foreign file, a wrong digest, other predictions."""


class ModelUnavailable(ModelError):
    """No model could be found or fetched."""
