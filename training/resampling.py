"""Resamples of whole groups (stories): intervals of one model's figures, and of how two models differ.

Whole stories are drawn, since items of one story succeed and fail together: the cluster bootstrap of Field and Welsh
(2007), section 2. Two models answer the same resamples (Koehn 2004, "Statistical significance tests for machine
translation evaluation", section 4). Statistics are computed from counts that add up over items, as in training.metrics.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Interval = tuple[float, float]
Statistic = Callable[[Matrix], Matrix]

RESAMPLES = 1000
LEVEL = 0.95
_CHUNK_CELLS = 1 << 18  # of resampled item weights at once: as many as a processor keeps near


@dataclass(frozen=True, slots=True)
class Difference:
    """A statistic of two models: `before`, `after`, `after - before`, its percentile interval (low, high).

    `not_greater` is the share of resamples in which the second is not greater than the first: Koehn's p for
    "the second is greater".
    """

    before: float
    after: float
    difference: float
    low: float
    high: float
    not_greater: float


class Resamples:
    """Resamples of n items by their groups, drawn once from `seed` and the same for every statistic, model and slice.

    There are `count`, else RESAMPLES of them.
    """

    def __init__(self, groups: Sequence[str], *, count: int | None = None, seed: int = 0) -> None:
        names, self._members = np.unique(np.asarray(groups), return_inverse=True)
        self._draws = _draws(len(names), count or RESAMPLES, seed)

    def of_sums(self, counts: Matrix, statistic: Statistic) -> Interval:
        """Return the 95 % percentile interval of a `statistic` (..., *shape) of the sum of `counts` (n, *shape)."""
        return self.of_each(counts, {"": statistic})[""]

    def of_each(self, counts: Matrix, statistics: Mapping[str, Statistic]) -> dict[str, Interval]:
        """Return what `of_sums` does for each of `statistics` by name; they are added up once."""
        sums = self._sums(counts, np.arange(len(counts)))
        return {name: percentiles(statistic(sums)) for name, statistic in statistics.items()}

    def of_weights(self, weights: Matrix, statistic: Statistic) -> Interval:
        """Return the 95 % percentile interval of a `statistic` of item weights, from (r, n) to (r,), at `weights`."""
        step = max(1, _CHUNK_CELLS // len(self._members))
        chunks = [self._draws[start : start + step] for start in range(0, len(self._draws), step)]
        return percentiles(
            np.concatenate([statistic(np.take(chunk, self._members, axis=1) * weights) for chunk in chunks])
        )

    def difference(
        self,
        before: Matrix,
        after: Matrix,
        statistic: Statistic,
        *,
        rows: npt.NDArray[np.bool_] | None = None,
        confidence: float,
    ) -> Difference:
        """Return how `statistic` differs between two models' counts (n, ...), on all items or where `rows` is true.

        `rows` is (n,); `confidence` is that of the two-sided interval.
        """
        chosen = np.arange(len(before)) if rows is None else np.flatnonzero(rows)
        values = statistic(self._sums(after, chosen)) - statistic(self._sums(before, chosen))
        low, high = percentiles(values, confidence)
        old, new = (float(statistic(counts[chosen].sum(axis=0))) for counts in (before, after))
        return Difference(old, new, new - old, low, high, float((values <= 0).mean()))

    def _sums(self, counts: Matrix, rows: Rows) -> Matrix:
        """Return the sum of the `counts` (n, *shape) of some `rows` in each resample, (r, *shape)."""
        groups, members = np.unique(self._members[rows], return_inverse=True)
        flat = counts[rows].reshape(len(rows), -1)
        sums = np.column_stack([np.bincount(members, column, minlength=len(groups)) for column in flat.T])
        draws = self._draws if len(groups) == self._draws.shape[1] else self._draws[:, groups]
        return (draws @ sums).reshape(len(draws), *counts.shape[1:])


@lru_cache(maxsize=1)  # of one corpus several models, baselines and figures are measured, one after the other
def _draws(groups: int, count: int, seed: int) -> Matrix:
    """Return how often each of `groups` is drawn in each of `count` resamples, (count, groups)."""
    generator = np.random.default_rng(seed)
    drawn = (generator.integers(groups, size=groups) for _ in range(count))  # a multinomial one takes ten times as long
    draws: Matrix = np.array([np.bincount(one, minlength=groups) for one in drawn], dtype=np.float64)
    draws.setflags(write=False)
    return draws


def interval(counts: Matrix, groups: Sequence[str], statistic: Statistic, *, seed: int = 0) -> Interval:
    """Return the 95 % percentile interval of `statistic` over resamples of whole `groups`."""
    return Resamples(groups, seed=seed).of_sums(counts, statistic)


def percentiles(values: Matrix, level: float = LEVEL) -> Interval:
    """Return what a share `level` of `values` lie between."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
