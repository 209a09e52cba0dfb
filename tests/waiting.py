"""Waiting for what comes about in other processes."""

import time
from collections.abc import Callable


def eventually(check: Callable[[], bool], seconds: float = 60) -> None:
    """Return once `check` is true; AssertionError if it is not after `seconds`."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "this did not come about in time"
        time.sleep(0.02)
