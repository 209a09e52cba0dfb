"""The port: shared among the workers of one server, refused to everybody else."""

import socket

import pytest

from framing.errors import ConfigError
from serving.port import held_port


def bound(port: int, *, shared: bool) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_workers_share_a_held_port() -> None:
    with (
        held_port("127.0.0.1:0") as address,
        bound(port_of(address), shared=True),
        bound(port_of(address), shared=True),
        pytest.raises(OSError, match="in use"),
    ):
        bound(port_of(address), shared=False)


def test_a_port_is_held_by_one_even_before_anybody_listens() -> None:
    with (
        held_port("127.0.0.1:0") as address,
        pytest.raises(ConfigError, match=f"cannot listen on {address}"),
        held_port(address),
    ):
        pass


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_where_somebody_listens_is_refused(shared: bool) -> None:
    with bound(0, shared=shared) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"cannot listen on {address}"), held_port(address):
            pass


def test_a_port_is_free_again_afterwards() -> None:
    with held_port("127.0.0.1:0") as address:
        pass
    with held_port(address) as again:
        assert again == address


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "localhost"])  # noqa: S104  # held, never served
def test_wildcards_and_names_hold_every_address_they_stand_for(host: str) -> None:
    with held_port(f"{host}:0") as address:
        assert address == f"{host}:{port_of(address)}"
        with bound(port_of(address), shared=True), pytest.raises(OSError, match="in use"):
            bound(port_of(address), shared=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", ""])
def test_an_address_without_a_port_is_named(address: str) -> None:
    with pytest.raises(ConfigError, match="expected host:port"), held_port(address):
        pass
