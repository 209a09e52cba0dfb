"""What a process counts: plain numbers, cheap to add to while a call waits, handed over as one message.

Nothing here knows Prometheus: `serving.metrics` makes metrics of the counts of all processes when it is asked. Little
is imported, for the supervisor counts too.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from framing.language import SUPPORTED
from framing.reference import KNOWN_SHARE, KNOWN_SHARE_EDGES, WORDS, WORDS_EDGES

if TYPE_CHECKING:
    from framing.article import Classification

Key = tuple[str, ...]
Row = list[float]

SECONDS_EDGES = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
BATCH_EDGES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
OTHER_LANGUAGE = "und"

# The first part of a key, and what follows it. KNOWN_SHARE and WORDS are histograms too.
CALL = "call"  # service, method, kind of call, code: histogram of seconds
ANSWER = "answer"  # language, abstention, framing, every topic given: a number
BATCH = "batch"  # histogram of articles
UNKNOWN_WORDS = "unknown_words"  # a number
SWAP = "swap"  # role, outcome: a number
RESTART = "restart"  # a number
SHADOW = "shadow"  # a number: articles that the challenger answered too
DISAGREEMENT = "disagreement"  # kind of label, label: a number
LOG_DROPPED = "log_dropped"  # a number


def add(row: Row, value: float, edges: Sequence[float]) -> None:
    """Add `value` to a histogram: the sum, then how many lie up to each edge, then how many above the last."""
    row[0] += value
    row[bisect_left(edges, value) + 1] += 1


class Counts:
    """Numbers by key that only grow. Not locked: one thread, that of the event loop, adds to them."""

    def __init__(self) -> None:
        self._rows: dict[Key, Row] = {}
        self._known_share = self._histogram((KNOWN_SHARE,), KNOWN_SHARE_EDGES)
        self._words = self._histogram((WORDS,), WORDS_EDGES)
        self._batch = self._histogram((BATCH,), BATCH_EDGES)
        self._unknown = self._rows.setdefault((UNKNOWN_WORDS,), [0.0])

    def increment(self, key: Key, by: float = 1) -> None:
        """Add `by` to the number at `key`."""
        self._rows.setdefault(key, [0.0])[0] += by

    def call(self, key: Key, seconds: float) -> None:
        """Count a call that took `seconds`; `key` is ``(CALL, service, method, kind, code)``."""
        row = self._rows.get(key)
        add(self._histogram(key, SECONDS_EDGES) if row is None else row, seconds, SECONDS_EDGES)

    def answer(self, answer: "Classification") -> None:
        """Count what was said of an article; a language that a caller names counts only if it is one we serve."""
        language = answer.language if answer.language in SUPPORTED else OTHER_LANGUAGE
        topics = [label for label, _, selected in answer.topics if selected]
        framing = [label for label, _, selected in answer.framings if selected] or ("",)
        self.increment((ANSWER, language, answer.abstention or "", *framing, *topics))
        self._unknown[0] += round(answer.words * (1 - answer.known_share))
        add(self._known_share, answer.known_share, KNOWN_SHARE_EDGES)
        add(self._words, answer.words, WORDS_EDGES)

    def batch(self, articles: int) -> None:
        """Count a batch of `articles`."""
        add(self._batch, articles, BATCH_EDGES)

    def message(self) -> list[Any]:
        """Return all counts as JSON data, for `merged`; safe in any thread."""
        return [[key, row] for key, row in list(self._rows.items())]

    def _histogram(self, key: Key, edges: Sequence[float]) -> Row:
        return self._rows.setdefault(key, [0.0] * (len(edges) + 2))


def merged(messages: Iterable[Sequence[Any]]) -> dict[Key, Row]:
    """Return the sums of the counts in `messages` of several processes."""
    total: dict[Key, Row] = {}
    for message in messages:
        for names, row in message:
            held = total.setdefault(tuple(names), [0.0] * len(row))
            for index, value in enumerate(row):
                held[index] += value
    return total
