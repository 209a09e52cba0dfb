"""Whose turn it is: work is spread over the turns of the event loop, so that whatever else has come is never kept long.

Between two turns the loop takes new calls, answers probes and sends what is ready.
"""

import asyncio
import time
from collections import deque


class Turns:
    """Lets work begin in the order in which it asks, and no more in one turn of the event loop than fits.

    That is what begins within `seconds` of the first; what does not waits, and of that `at_once` begin in each turn.
    """

    def __init__(self, seconds: float, at_once: int = 1) -> None:
        self._seconds = seconds
        self._at_once = at_once
        self._end = 0.0  # of the time for this turn, 0 before anything has begun in it
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Return when it is the caller's turn, which is at once where there is room."""
        now = time.perf_counter()
        if not self._end:
            self._begin(now)
        if self._waiting or now >= self._end:
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            await place

    def _begin(self, now: float) -> None:
        self._end = now + self._seconds
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        """Let those who have waited longest begin; called in the turn after one in which something began."""
        self._end, begun = 0.0, 0
        while self._waiting and begun < self._at_once:
            place = self._waiting.popleft()
            if not place.done():  # its caller may have gone
                place.set_result(None)
                begun += 1
        if begun:
            self._begin(time.perf_counter())
