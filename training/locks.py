"""A lock between processes of one machine that no crash leaves behind."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from framing.errors import Busy


@contextlib.contextmanager
def file_lock(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock `path` alone; the file stays, the lock goes with the process, however that ends (flock(2)).

    Without `wait`, raises Busy if another process holds it. The folder must be on a local file system.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            file.seek(0)
            raise Busy(f"{path}: held by process {file.read().strip() or 'unknown'}: try again later") from error
        file.truncate(0)
        print(os.getpid(), file=file, flush=True)
        yield
