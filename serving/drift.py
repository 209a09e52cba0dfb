"""How far the articles and answers of late lie from those of training: the population stability index.

    PSI = sum over bins of (p - q) * ln(p / q)

for the live shares p of N articles and the reference's q of M (Siddiqi, Credit Risk Scorecards, 2006). Without drift it
is (1/N + 1/M) times a chi-squared variable of one degree of freedom less than there are bins (Yurdakul and Naranjo,
Statistical properties of the population stability index, 2020): `chance` is what that exceeds once in a thousand times.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from framing.reference import (
    ABSTAINED,
    FRAMING,
    GIVEN,
    KNOWN_SHARE,
    KNOWN_SHARE_EDGES,
    LANGUAGE,
    WITHHELD,
    WORDS,
    WORDS_EDGES,
    BinCounts,
    bin_names,
    topic_feature,
)
from serving.counts import ANSWER, Key, Row

LEAST_ARTICLES = 200
_SLICES = 12
_ONCE_IN_A_THOUSAND = 3.09  # standard deviations of a normal distribution
_HALF = 0.5  # added to every bin, so that an empty one has a logarithm


@dataclass(frozen=True, slots=True)
class Drift:
    """One feature's `index`, and the index that `chance` alone would hardly exceed for as many articles."""

    index: float
    chance: float


class DriftWindow:
    """Compares what was counted in the last `seconds` with a reference. Feed it the totals whenever there are some."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._reference: BinCounts = {}
        self._past: deque[tuple[float, BinCounts]] = deque()
        self._now: BinCounts = {}

    def update(self, reference: BinCounts, totals: Mapping[Key, Row]) -> None:
        """Take the counts since the start; with another reference the window begins anew."""
        now = self._clock()
        self._now = bin_counts(totals, [name for name in reference if name.startswith(topic_feature(""))])
        if reference != self._reference:
            self._reference = reference
            self._past.clear()
        if not self._past or now - self._past[-1][0] >= self._seconds / _SLICES:
            self._past.append((now, self._now))
        while len(self._past) > 1 and now - self._past[1][0] >= self._seconds:
            self._past.popleft()

    @property
    def articles(self) -> int:
        """How many articles the window holds."""
        return round(sum(self._live(LANGUAGE).values()))

    def drifts(self) -> dict[str, Drift]:
        """Return the drift of every feature of the reference; empty below LEAST_ARTICLES articles."""
        if self.articles < LEAST_ARTICLES:
            return {}
        return {feature: compare(self._live(feature), expected) for feature, expected in self._reference.items()}

    def _live(self, feature: str) -> dict[str, float]:
        before = self._past[0][1].get(feature, {}) if self._past else {}
        return {name: count - before.get(name, 0) for name, count in self._now.get(feature, {}).items()}


def compare(live: Mapping[str, float], reference: Mapping[str, float]) -> Drift:
    """Return the drift between two counts of the same bins; a bin that one lacks is empty there."""
    bins = live.keys() | reference.keys()
    p, q = _shares(live, bins), _shares(reference, bins)
    scale = 1 / max(1.0, sum(live.values())) + 1 / max(1.0, sum(reference.values()))
    index = sum((p[name] - q[name]) * math.log(p[name] / q[name]) for name in bins)
    return Drift(index, scale * _chi_squared(max(1, len(bins) - 1), _ONCE_IN_A_THOUSAND))


def bin_counts(totals: Mapping[Key, Row], topics: Sequence[str]) -> BinCounts:
    """Return what `totals` say of the features of a reference whose features of topics are `topics`."""
    counts: BinCounts = {LANGUAGE: {}, FRAMING: {}, **{topic: {} for topic in topics}}
    for (kind, *labels), row in totals.items():
        if kind != ANSWER:
            continue
        language, _, framing, *given = labels
        names = {topic_feature(topic) for topic in given}
        fallen = {topic: GIVEN if topic in names else WITHHELD for topic in topics}
        for feature, name in {LANGUAGE: language, FRAMING: framing or ABSTAINED, **fallen}.items():
            counts[feature][name] = counts[feature].get(name, 0) + row[0]
    for feature, edges in ((KNOWN_SHARE, KNOWN_SHARE_EDGES), (WORDS, WORDS_EDGES)):
        row = totals.get((feature,), [0.0] * (len(edges) + 2))
        counts[feature] = dict(zip(bin_names(edges), row[1:], strict=True))
    return counts


def _chi_squared(freedom: int, deviations: float) -> float:
    """Return the quantile that lies so many `deviations` up in a normal distribution (Wilson and Hilferty, 1931)."""
    ninth = 2 / (9 * freedom)
    return float(freedom * (1 - ninth + deviations * math.sqrt(ninth)) ** 3)


def _shares(counts: Mapping[str, float], bins: set[str]) -> dict[str, float]:
    total = sum(counts.values()) + _HALF * len(bins)
    return {name: (counts.get(name, 0) + _HALF) / total for name in bins}
