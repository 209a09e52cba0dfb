"""How much work the server has accepted, and whether it can do more in the time that is left.

Calls share one thread in turn, an article each. So a call of n articles ends after n rounds, and a round lasts as long
as one article of every call that is open. The seconds that a byte takes are learnt from the calls that ended.
"""

import time

from framing.errors import DeadlineTooShort, Overloaded

_ARTICLE_BYTES = 1000  # what an article costs beyond its text, as bytes of text
_LEARNING_FASTER, _LEARNING_SLOWER = 0.3, 0.02  # the pace to know is that of good moments: a slow one may be chance
_FORGETTING = 0.97  # a pace that was learnt too slow lets work in again after some dozens of refusals
_LEAST_RETRY, _MOST_RETRY = 0.05, 30.0


class Admission:
    """Counts the calls and the work of a server. For one thread.

    At most `most_calls` are accepted at once, and none whose turn would come later than after `most_wait` seconds.
    An article has at most `most_bytes`; one that has more costs no more, since it is refused.
    """

    def __init__(self, *, most_calls: int, most_wait: float, most_bytes: int) -> None:
        self.waiting = 0
        self._most_calls = most_calls
        self._most_wait = most_wait
        self._most_bytes = most_bytes
        self._round_bytes = 0
        self._seconds_a_byte = 0.0

    @property
    def wait_seconds(self) -> float:
        """How long a round of all the calls that are open lasts."""
        return self._round_bytes * self._seconds_a_byte

    def check(self, articles: int, size: int, remaining: float | None) -> None:
        """Raise unless a call of `articles` (1 or more), together `size` bytes, can be answered in `remaining` seconds.

        Overloaded where the work of others is in the way, DeadlineTooShort where the time would not do without it.
        """
        if self.waiting >= self._most_calls or self.wait_seconds > self._most_wait:
            self._refuse(f"expected at most {self._most_calls} calls and {self._most_wait:g} s of work at once")
        if remaining is None:
            return
        own = self._round(articles, size) * self._seconds_a_byte
        if articles * own >= remaining:
            self._seconds_a_byte *= _FORGETTING
            raise DeadlineTooShort(f"expected a deadline of at least {articles * own:.3f} s, got {remaining:.3f} s")
        if articles * (own + self.wait_seconds) >= remaining:
            self._refuse(f"expected a deadline of at least {articles * (own + self.wait_seconds):.3f} s at present")

    def work(self, articles: int, size: int) -> "Work":
        """Return a context in which a call counts as open, and from the time of which the pace is learnt."""
        return Work(self, articles, self._round(articles, size))

    def begin(self, articles: int, own: int) -> int:
        """Count a call of `articles` as open, `own` bytes a round; return the bytes to be worked on until it ends."""
        self.waiting += 1
        self._round_bytes += own
        return articles * self._round_bytes

    def end(self, own: int) -> None:
        """Count it as open no more."""
        self.waiting -= 1
        self._round_bytes -= own

    def learn(self, seconds_a_byte: float) -> None:
        """Take into account what a byte has taken."""
        if not self._seconds_a_byte:
            self._seconds_a_byte = seconds_a_byte
        rate = _LEARNING_FASTER if seconds_a_byte < self._seconds_a_byte else _LEARNING_SLOWER
        self._seconds_a_byte += rate * (seconds_a_byte - self._seconds_a_byte)

    def _refuse(self, message: str) -> None:
        retry = min(max(self.wait_seconds, _LEAST_RETRY), _MOST_RETRY)
        self._seconds_a_byte *= _FORGETTING
        raise Overloaded(f"{message}: try again later", retry)

    def _round(self, articles: int, size: int) -> int:
        return _ARTICLE_BYTES + min(size // articles, self._most_bytes)


class Work:
    """A call that is open. A class, since a generator's context takes longer than all that is done here."""

    __slots__ = ("_admission", "_articles", "_begin", "_own", "_rounds")

    def __init__(self, admission: Admission, articles: int, own: int) -> None:
        self._admission = admission
        self._articles = articles
        self._own = own

    def __enter__(self) -> None:
        self._rounds = self._admission.begin(self._articles, self._own)
        self._begin = time.perf_counter()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._admission.end(self._own)
        if error is None:
            self._admission.learn((time.perf_counter() - self._begin) / self._rounds)
