"""Processes of the server's own, and the channel on which a parent and its child talk: JSON, one object a line."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
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
    """A process that runs a module of ours, with a channel to it. It sees the end of the channel if we die."""

    def __init__(self, process: asyncio.subprocess.Process, channel: Channel) -> None:
        self.process = process
        self.channel = channel

    @classmethod
    async def start(cls, module: str, arguments: Sequence[str], *, environment: Mapping[str, str] = os.environ) -> Self:
        """Start ``python -m MODULE FD ARGUMENTS...``, FD being its end of the channel."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-m", module, str(theirs.fileno()), *arguments]
            process = await asyncio.create_subprocess_exec(
                *command,
                pass_fds=[theirs.fileno()],
                env=_with_our_code(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sys.stderr,
            )
        return cls(process, await Channel.over(ours))

    async def ask(self, **message: Any) -> dict[str, Any]:
        """Send `message` and return the answer; ChannelClosed if the child has gone."""
        self.channel.send(message)
        return await self.channel.receive()

    async def ended(self) -> str:
        """Wait for the end of the process and return what it ended with, such as ``SIGKILL``."""
        code = await self.process.wait()
        self.channel.close()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    async def stop(self, seconds: float) -> None:
        """Ask the process to end, and kill it after `seconds`."""
        if self.process.returncode is None:
            self.process.terminate()
        try:
            async with asyncio.timeout(seconds):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        self.channel.close()


def _with_our_code(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` with the code that runs here first on the path: a child never runs other code."""
    paths = [str(_ROOT), *filter(None, [environment.get("PYTHONPATH", "")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}
