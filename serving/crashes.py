"""When to replace a worker that has crashed, and when to give up."""

import time
from collections import deque
from collections.abc import Callable

from framing.errors import CrashLoop

WINDOW = 60.0
MOST_BEFORE_SERVING = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class Crashes:
    """The crashes of the last minute: of workers that served, and those in a row that never did."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._times: deque[float] = deque()
        self._in_a_row = 0

    def add(self, reason: str, *, served: bool) -> float:
        """Count a crash and return how many seconds to wait before the next start; CrashLoop if enough is enough."""
        now = self._clock()
        self._times.append(now)
        while self._times[0] < now - WINDOW:
            self._times.popleft()
        self._in_a_row = 0 if served else self._in_a_row + 1
        if self._in_a_row >= MOST_BEFORE_SERVING:
            raise CrashLoop(
                f"workers crashed {self._in_a_row} times in a row before they served, at last with {reason}"
            )
        if len(self._times) > self._most:
            raise CrashLoop(f"workers crashed {len(self._times)} times in {WINDOW:.0f} s, at last with {reason}")
        recent = len(self._times) - 1
        return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (recent - 1)) if recent else 0.0
