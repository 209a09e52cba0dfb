"""A short fuzzing of a server on a real port; `make fuzz` sends ten million bytes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from serving.settings import Settings
from tests.fuzzing import Target, frames, messages
from tests.running import running_server

SHORT = settings(
    max_examples=60,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def target(bundle: Path) -> Iterator[Target]:
    with running_server(Settings(address="127.0.0.1:0", bundle=str(bundle))) as server:
        target = Target(server.port)
        yield target
        target.close()


def test_nonsense_on_the_wire_neither_ends_nor_opens_the_server(
    target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    @SHORT
    @given(frames())
    def send(data: bytes) -> None:
        target.send_frames(data)

    send()
    assert target.is_well()
    assert "internal error" not in caplog.text


def test_nonsense_in_messages_is_refused_as_what_it_is(target: Target, caplog: pytest.LogCaptureFixture) -> None:
    @SHORT
    @given(messages())
    def send(call: tuple[str, list[bytes]]) -> None:
        target.send_messages(*call)

    send()
    assert target.is_well()
    assert "internal error" not in caplog.text
