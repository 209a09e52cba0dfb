"""Settings of the server: FRAMING_* environment variables, and the same names as flags."""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from framing.errors import ConfigError
from framing.store import default_tracking_uri, state_directory


def _setting(default: Any, text: str, read: Callable[[str], Any] = str) -> Any:
    metadata = {"help": text, "read": read}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def _boolean(text: str) -> bool:
    values = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in values:
        raise ValueError(f"expected true or false, got {text!r}")
    return values[text.lower()]


def _level(text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError(f"expected DEBUG, INFO, WARNING or ERROR, got {text!r}")
    return text.upper()


def _log_format(text: str) -> str:
    if text not in ("human", "json"):
        raise ValueError(f"expected human or json, got {text!r}")
    return text


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"expected a number of at least 1, got {number}")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError(f"expected a number of seconds, 0 or more, got {text}")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError(f"expected a number from 0 to 1, got {text}")
    return number


def _above_zero(text: str) -> float:
    number = _seconds(text)
    if number == 0:
        raise ValueError("expected a number of seconds above 0, got 0")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the server runs."""

    address: str = _setting("127.0.0.1:50051", "host:port to listen on")
    workers: int = _setting(1, "processes that answer calls, all on the one port", _positive)
    most_crashes: int = _setting(10, "crashes of workers within a minute after which the server gives up", _positive)
    bundle: str = _setting("", "bundle folder to serve instead of a registered model")
    model: str = _setting("models:/framing@champion", "registered model to serve")
    tracking_uri: str = _setting(default_tracking_uri, "MLflow store with the registry")
    challenger: str = _setting("", "registered model that answers a share of the articles too, in the background")
    shadow_share: float = _setting(0.1, "share of the articles that the challenger answers, 0 to 1", _share)
    registry_interval: float = _setting(10.0, "seconds between looks at the registry", _above_zero)
    cache: Path = _setting(lambda: state_directory() / "models", "folder for models fetched from the registry", Path)
    reflection: bool = _setting(False, "offer gRPC server reflection", _boolean)
    max_text: int = _setting(100_000, "most code points of a text", _positive)
    max_batch: int = _setting(256, "most articles of a batch", _positive)
    max_message_bytes: int = _setting(16 << 20, "most bytes of a message", _positive)
    max_waiting: int = _setting(256, "most calls that wait for an answer at once", _positive)
    max_wait_seconds: float = _setting(1.0, "longest time that a call may have to wait for its turn", _seconds)
    max_streams: int = _setting(256, "most streams open at once", _positive)
    max_stream: int = _setting(100_000, "most articles of a stream", _positive)
    stream_idle_seconds: float = _setting(300.0, "time after which a stream that nobody uses ends", _seconds)
    max_connections: int = _setting(4096, "most connections open at once", _positive)
    max_connection_age: float = _setting(0.0, "seconds after which a client must connect anew; 0: never", _seconds)
    max_connection_grace: float = _setting(300.0, "seconds that calls get on a connection too old", _seconds)
    keepalive_seconds: float = _setting(60.0, "silence after which a connection is probed", _seconds)
    tls_certificate: str = _setting("", "PEM file of the server's certificate chain; with it connections are TLS")
    tls_key: str = _setting("", "PEM file of the certificate's key")
    tls_client_ca: str = _setting("", "PEM file of authorities; clients must show a certificate of one of them")
    allow_plaintext: bool = _setting(False, "listen without TLS beyond loopback", _boolean)
    tokens: str = _setting("", "file of bearer tokens and what each allows; without it anybody may call")
    drain_seconds: float = _setting(30.0, "time that calls in flight get after SIGTERM", _seconds)
    log_level: str = _setting("INFO", "least level that is logged: DEBUG, INFO, WARNING or ERROR", _level)
    metrics_address: str = _setting("", "host:port to serve Prometheus metrics on over HTTP; none if empty")
    drift_seconds: float = _setting(86_400.0, "time over which the input is compared with training", float)
    tracing_endpoint: str = _setting(
        "", "OpenTelemetry collector to send spans to over OTLP, such as http://localhost:4317; none if empty"
    )
    log_format: str = _setting("human", "form of the log: human, or json for one object a line", _log_format)


def load_settings(arguments: Sequence[str] | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings: flags before environment variables before defaults.

    Raises ConfigError that names the setting and its value.
    """
    parser = argparse.ArgumentParser(
        prog="framing-serve", description="Serve a framing model over gRPC. Each flag is also a variable FRAMING_NAME."
    )
    for entry in fields(Settings):
        flag = "--" + entry.name.replace("_", "-")
        parser.add_argument(flag, metavar="VALUE", help=f"{entry.metadata['help']} ({_variable(entry.name)})")
    given = vars(parser.parse_args(arguments))
    known = {_variable(entry.name) for entry in fields(Settings)}
    for name in environment:
        if name.startswith("FRAMING_") and name not in known:
            raise ConfigError(f"{name}: unknown setting; known are {', '.join(sorted(known))}")
    return Settings(**_values(given, environment))


def flags(settings: Settings) -> list[str]:
    """Return the flags from which `load_settings` reads `settings`, whatever the environment says."""
    return [f"--{entry.name.replace('_', '-')}={getattr(settings, entry.name)}" for entry in fields(Settings)]


def _values(given: Mapping[str, str | None], environment: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for entry in fields(Settings):
        text = given[entry.name] if given[entry.name] is not None else environment.get(_variable(entry.name))
        if text is not None:
            try:
                values[entry.name] = entry.metadata["read"](text)
            except ValueError as error:
                raise ConfigError(f"{_variable(entry.name)}: {error}") from error
    return values


def _variable(name: str) -> str:
    return "FRAMING_" + name.upper()
