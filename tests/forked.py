"""Processes that begin with the training package imported, which takes seconds: forked from one that did it once."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["training.retrain", "training.search"])


def forked(work: Callable[..., object], *arguments: Any, log: Path = Path(os.devnull)) -> BaseProcess:
    """Return a started process that calls `work`, a function of a module, and ends with 0 if it returns.

    What it prints goes to the end of `log`.
    """
    process = _SERVER.Process(target=_logged, args=(work, arguments, log))
    process.start()
    return process


def _logged(work: Callable[..., object], arguments: Sequence[Any], log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    work(*arguments)
