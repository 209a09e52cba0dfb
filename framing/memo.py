"""A bounded memory of what a function of a string returned."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Key = TypeVar("Key", bound=str)
Value = TypeVar("Value")

MOST = 3 << 13  # of each kind of memory: a worker that has read days of news, all of them full, stays below 130 MB
LONGEST = 64  # of letters: a longer "word" is an address or a broken text, and of no use to remember


class Memo(dict[Key, Value]):
    """A dictionary that computes what it lacks, and holds at most `most` values.

    Being a dictionary, `map(memo.__getitem__, keys)` runs without a line of Python for the keys it holds:
    that is what makes an article cheap. It keeps two generations; when the younger is full it becomes the
    older, and what is asked for again moves back. Safe among threads: a race costs one computation more.
    """

    def __init__(self, compute: Callable[[Key], Value], most: int = MOST) -> None:
        super().__init__()
        self._compute = compute
        self._generation = max(1, most // 2)
        self._older: dict[Key, Value] = {}

    def __missing__(self, key: Key) -> Value:
        older = self._older
        value = older[key] if key in older else self._compute(key)
        self.remember(key, value)
        return value

    def hold(self, most: int) -> None:
        """Hold at most `most` values from now on."""
        self._generation = max(1, most // 2)

    def lacking(self, keys: Iterable[Key]) -> list[Key]:
        """Return those of `keys`, each once, whose values would have to be computed."""
        older = self._older
        return [key for key in dict.fromkeys(keys) if key not in self and key not in older]

    def remember(self, key: Key, value: Value) -> None:
        """Hold `value`, which was computed elsewhere, for `key`."""
        if len(key) > LONGEST:
            return
        if len(self) >= self._generation:
            self._older = dict(self)
            self.clear()
        self[key] = value
