"""Processes of the server's own, and the channel on which a parent and its child talk: JSON, one object a line."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

MAX_LINE = 1 << 20
_ROOT = Path(__file__).resolve().parents[1]


class ChannelClosed(Exception):
    """The other side has gone."""


class Channel:
    """One end of a channel between two processes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> Self:
        """Return a channel over one end of a socket pair."""
        return cls(*await asyncio.open_connection(sock=end, limit=MAX_LINE))

    def send(self, message: Mapping[str, Any]) -> None:
        """Send `message`, or nothing if the other side has gone."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n")

    async def receive(self) -> dict[str, Any]:
        """Return the next message; ChannelClosed if there will be none."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            line = b""
        if not line.endswith(b"\n"):
            raise ChannelClosed
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


class Child:
    """A process that runs a module of ours, with a channel to it. It sees the end of the channel if we die.

    It answers what it is asked, in order, and its first message is an answer too. If it is `heard`, it may also send
    reports, whenever it likes: messages with the one key ``report``.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, channel: Channel, heard: Callable[[Any], None] | None = None
    ) -> None:
        self.process = process
        self._channel = channel
        self._heard = heard
        self._answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(
        cls,
        module: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] = os.environ,
        inherited: Sequence[int] = (),
        heard: Callable[[Any], None] | None = None,
    ) -> Self:
        """Start ``python -m MODULE FD ARGUMENTS...``, FD being its end of the channel; it keeps `inherited` open."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-m", module, str(theirs.fileno()), *arguments]
            process = await asyncio.create_subprocess_exec(
                *command,
                pass_fds=[theirs.fileno(), *inherited],
                env=_with_our_code(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sys.stderr,
            )
        return cls(process, await Channel.over(ours), heard)

    @property
    def outcome(self) -> str:
        """What the process ended with, such as ``SIGKILL``; it has ended."""
        code = self.process.returncode or 0
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    async def answer(self) -> dict[str, Any]:
        """Return the next answer; ChannelClosed if the child has gone."""
        answer = await self._answers.get()
        if answer is None:
            self._answers.put_nowait(None)
            raise ChannelClosed
        return answer

    async def ask(self, **message: Any) -> dict[str, Any]:
        """Send `message` and return the answer; ChannelClosed if the child has gone."""
        self._channel.send(message)
        return await self.answer()

    async def ended(self) -> str:
        """Wait for the end of the process and of what it has said, and return its outcome."""
        await self.process.wait()
        await asyncio.shield(self._listening)
        self._channel.close()
        return self.outcome

    async def stop(self, seconds: float) -> None:
        """Ask the process to end, and kill it after `seconds`."""
        if self.process.returncode is None:
            self.process.terminate()
        try:
            async with asyncio.timeout(seconds):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
        await self.ended()

    async def _listen(self) -> None:
        with contextlib.suppress(ChannelClosed):
            while True:
                message = await self._channel.receive()
                if self._heard and "report" in message:
                    self._heard(message["report"])
                else:
                    self._answers.put_nowait(message)
        self._answers.put_nowait(None)


def _with_our_code(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` with the code that runs here first on the path: a child never runs other code."""
    paths = [str(_ROOT), *filter(None, [environment.get("PYTHONPATH", "")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}
