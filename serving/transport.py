"""The port: TLS with certificates read anew when they change, plaintext on loopback only, limits, keepalive."""

import ipaddress
import logging
import ssl
from pathlib import Path
from typing import Any

import grpc

from framing.errors import ConfigError
from serving.settings import Settings

_NEVER = (1 << 31) - 1  # milliseconds, for gRPC
_HANDSHAKE_MS = 10_000
_LEAST_PING_MS = 10_000
_KEEPALIVE_TIMEOUT_MS = 20_000
_LOG = logging.getLogger("framing.serving")


def channel_options(settings: Settings) -> list[tuple[str, int]]:
    """Return gRPC's options for the limits and the keepalive that `settings` say."""
    return [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_allowed_incoming_connections", settings.max_connections),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MS),
        ("grpc.max_connection_age_ms", _milliseconds(settings.max_connection_age)),
        ("grpc.max_connection_age_grace_ms", _milliseconds(settings.max_connection_grace)),
        ("grpc.keepalive_time_ms", _milliseconds(settings.keepalive_seconds)),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _LEAST_PING_MS),
    ]


def listen(server: grpc.aio.Server, settings: Settings) -> int:
    """Make `server` listen as `settings` say and return the port; ConfigError if it cannot or may not."""
    credentials = _credentials(settings)
    if credentials is None and not settings.allow_plaintext and not is_loopback(settings.address):
        raise ConfigError(
            f"FRAMING_ADDRESS: {settings.address} is not a loopback address: expected FRAMING_TLS_CERTIFICATE and "
            "FRAMING_TLS_KEY, or FRAMING_ALLOW_PLAINTEXT=true where something else protects the connection"
        )
    try:
        if credentials is None:
            return server.add_insecure_port(settings.address)
        return server.add_secure_port(settings.address, credentials)
    except RuntimeError as error:
        raise ConfigError(f"FRAMING_ADDRESS: cannot listen on {settings.address}: is it taken?") from error


def is_loopback(address: str) -> bool:
    """Return whether `address`, a host:port or a unix socket, can be reached from this machine only."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class CertificateFiles:
    """The files of certificate, key and authorities. ConfigError if they are not fit when first read."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._paths = (certificate, key, *([client_ca] if client_ca else []))
        self._contents = self._read()

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        """Return what the files said when they were last fit, as gRPC wants it."""
        certificate, key, *authorities = self._contents
        return grpc.ssl_server_certificate_configuration([(key, certificate)], authorities[0] if authorities else None)

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what the files say now; None if that is nothing new, or not fit (that is logged).

        gRPC asks at each connection, so a connection that is open keeps the certificate that it began with.
        """
        try:
            contents = tuple(path.read_bytes() for path in self._paths)
            if contents == self._contents:
                return None
            self._contents = self._read()
        except (OSError, ConfigError) as error:
            _LOG.error("certificate not read anew, the one before stays in force: %s", error)  # no bug of ours
            return None
        _LOG.info("certificate read anew from %s", self._paths[0])
        return self.configuration()

    def _read(self) -> tuple[bytes, ...]:
        """Return the contents of the files; ConfigError if they do not fit together, or change meanwhile."""
        try:
            contents = tuple(path.read_bytes() for path in self._paths)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._paths[0], self._paths[1], password="")
            for authorities in self._paths[2:]:
                context.load_verify_locations(authorities)
            again = tuple(path.read_bytes() for path in self._paths)
        except (OSError, ssl.SSLError) as error:
            names = ", ".join(map(str, self._paths))
            raise ConfigError(f"FRAMING_TLS_CERTIFICATE, FRAMING_TLS_KEY: {names}: {_problem(error)}") from error
        if contents != again:
            raise ConfigError(f"FRAMING_TLS_CERTIFICATE: {self._paths[0]}: expected files that stand still")
        return contents


def _credentials(settings: Settings) -> grpc.ServerCredentials | None:
    if not (settings.tls_certificate or settings.tls_key or settings.tls_client_ca):
        return None
    if not (settings.tls_certificate and settings.tls_key):
        raise ConfigError("FRAMING_TLS_CERTIFICATE, FRAMING_TLS_KEY: expected both or none, got one")
    authorities = Path(settings.tls_client_ca) if settings.tls_client_ca else None
    files = CertificateFiles(Path(settings.tls_certificate), Path(settings.tls_key), authorities)
    make: Any = grpc.dynamic_ssl_server_credentials  # its types say, wrongly, that nothing new is no answer
    credentials: grpc.ServerCredentials = make(
        files.configuration(), files.changed, require_client_authentication=authorities is not None
    )
    return credentials


def _problem(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__


def _milliseconds(seconds: float) -> int:
    return min(round(seconds * 1000), _NEVER) if seconds else _NEVER
