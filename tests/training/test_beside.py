import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from framing.errors import DataError
from tests.waiting import eventually
from training.beside import beside


def test_the_result_comes_from_another_process() -> None:
    other, numbers = beside(lambda: (os.getpid(), list(range(100_000))))()
    assert other != os.getpid()
    assert numbers == list(range(100_000))


def test_what_is_raised_there_is_raised_here() -> None:
    def fails() -> int:
        raise DataError("expected")

    with pytest.raises(DataError, match="expected"):
        beside(fails)()


def test_a_process_that_dies_is_an_error_that_says_so() -> None:
    with pytest.raises(RuntimeError, match="died"):
        beside(lambda: os.kill(os.getpid(), signal.SIGKILL))()


def test_it_ends_with_the_process_that_started_it() -> None:
    receiver, sender = multiprocessing.Pipe(duplex=False)

    def start() -> None:
        beside(lambda: (sender.send(os.getpid()), time.sleep(60)))
        time.sleep(60)

    parent = multiprocessing.get_context("fork").Process(target=start)
    parent.start()
    child = receiver.recv()
    parent.kill()
    parent.join()
    eventually(lambda: not _runs(child), seconds=5)


def test_a_daemon_does_the_work_itself() -> None:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    daemon = multiprocessing.get_context("fork").Process(
        target=lambda: sender.send((os.getpid(), beside(os.getpid)())), daemon=True
    )
    daemon.start()
    own, worker = receiver.recv()
    daemon.join()
    assert own == worker == daemon.pid


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
