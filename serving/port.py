"""The port of the server: taken by one supervisor, shared by its workers.

Workers listen on one port with SO_REUSEPORT, which lets anybody of the same user join silently. So the supervisor
takes the port first, as nobody else may: by name among supervisors, and by an exclusive bind against others.
"""

import contextlib
import ipaddress
import socket
import sys
from collections.abc import Iterator

from framing.errors import ConfigError

_LOCK = "\0framing-serve:"  # an abstract name: as wide as the port is, and gone with the process that holds it


@contextlib.contextmanager
def held_port(address: str) -> Iterator[str]:
    """Hold the port of `address` (host:port, port 0 for a free one) and yield the address with its port.

    While it is held, sockets with SO_REUSEPORT of this user may listen there. ConfigError if it cannot be had.
    """
    host, port = _parts(address)
    with contextlib.ExitStack() as held:
        try:
            for family, place in _places(host, port):
                port = held.enter_context(_exclusive(family, (place, port)))
            held.enter_context(_named(port))
        except OSError as error:
            raise ConfigError(
                f"FRAMING_ADDRESS: cannot listen on {address}: is it taken? ({error.strerror})"
            ) from error
        yield f"{address.rpartition(':')[0]}:{port}"


def _parts(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not (colon and port.isdecimal() and int(port) < 1 << 16):
        raise ConfigError(f"FRAMING_ADDRESS: expected host:port, got {address!r}")
    return host.strip("[]"), int(port)


def _places(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    """Return where a server for `host` listens; a wildcard means IPv4 and IPv6 at once, as gRPC reads it."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    places: list[tuple[socket.AddressFamily, str]] = [(family, str(where[0])) for family, _, _, _, where in found]
    if any(ipaddress.ip_address(place.partition("%")[0]).is_unspecified for _, place in places):
        return [(socket.AF_INET6, "::")] if socket.has_dualstack_ipv6() else [(socket.AF_INET, "0.0.0.0")]  # noqa: S104  # the user asked for it
    return places


@contextlib.contextmanager
def _exclusive(family: socket.AddressFamily, place: tuple[str, int]) -> Iterator[int]:
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a server before us may linger
        if family == socket.AF_INET6:
            holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(place[0] != "::"))
        holder.bind(place)
        holder.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEPORT, 1
        )  # after the bind: it was exclusive, workers may join
        yield int(holder.getsockname()[1])


@contextlib.contextmanager
def _named(port: int) -> Iterator[None]:
    """Hold the name of the port: two supervisors that start at once both pass the bind until a worker listens."""
    if sys.platform != "linux":
        yield
        return
    with socket.socket(socket.AF_UNIX) as name:
        name.bind(f"{_LOCK}{port}")
        yield
