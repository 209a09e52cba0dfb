"""Work in a process beside this one: for Python that computes, which threads do not speed up."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

Result = TypeVar("Result")


def beside(work: Callable[[], Result]) -> Callable[[], Result]:
    """Start `work` in a process forked from this one, and return what waits for its result, to be called once.

    The process sees everything as it is now and changes nothing here; its result comes back pickled. What it raises is
    raised where the result is asked for. It ends with this process, whose locks it holds, too. Where
    forking is not safe (macOS) or not allowed (in a daemon), `work` is done when its result is asked for.
    """
    if sys.platform != "linux" or multiprocessing.current_process().daemon:
        return work
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(work, sender), daemon=True)
    process.start()
    sender.close()

    def result() -> Result:
        with receiver:
            returned, error = _received(receiver)
        process.join()
        if error:
            raise error
        return returned  # type: ignore[no-any-return]  # pickled and back, it is what `work` returned

    return result


def _received(receiver: Connection) -> tuple[Any, Exception | None]:
    try:
        found: tuple[Any, Exception | None] = receiver.recv()
    except EOFError:
        return None, RuntimeError("expected a result from the process beside this one, which died")
    return found


def _work(work: Callable[[], Any], sender: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a key pressed in the terminal the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    outcome: tuple[Any, Exception | None]
    try:
        outcome = work(), None
    except Exception as error:  # noqa: BLE001  # whatever it is, it is raised in the parent
        outcome = None, error
    with contextlib.suppress(BrokenPipeError):  # nobody waits any more
        sender.send(outcome)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)
