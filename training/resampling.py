"""Intervals by drawing whole groups (stories) again: the cluster bootstrap of Field and Welsh (2007), section 2."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 1000
LEVEL = 0.95
_CHUNK_CELLS = 1 << 22  # of resampled item weights in memory at once


class Resamples:
    """Resamples of n items by their groups, the same ones for every statistic."""

    def __init__(self, groups: Sequence[str], *, seed: int = 0) -> None:
        names, self._members = np.unique(np.asarray(groups), return_inverse=True)
        even = np.full(len(names), 1 / len(names))
        self._draws = np.random.default_rng(seed).multinomial(len(names), even, size=RESAMPLES).astype(np.float64)

    def of_sums(self, counts: Matrix, statistic: Callable[[Matrix], Matrix]) -> Interval:
        """Return the 95 % percentile interval of a `statistic` (..., *shape) of the sum of `counts` (n, *shape)."""
        flat = counts.reshape(len(counts), -1)
        groups = self._draws.shape[1]
        sums = np.column_stack([np.bincount(self._members, column, minlength=groups) for column in flat.T])
        return percentiles(statistic((self._draws @ sums).reshape(RESAMPLES, *counts.shape[1:])))

    def of_weights(self, weights: Matrix, statistic: Callable[[Matrix], Matrix]) -> Interval:
        """Return the 95 % percentile interval of a `statistic` of item weights, from (r, n) to (r,), at `weights`."""
        step = max(1, _CHUNK_CELLS // len(self._members))
        chunks = [self._draws[start : start + step] for start in range(0, RESAMPLES, step)]
        return percentiles(np.concatenate([statistic(chunk[:, self._members] * weights) for chunk in chunks]))


def interval(
    counts: Matrix, groups: Sequence[str], statistic: Callable[[Matrix], Matrix], *, seed: int = 0
) -> Interval:
    """Return the 95 % percentile interval of `statistic` over resamples of whole `groups`."""
    return Resamples(groups, seed=seed).of_sums(counts, statistic)


def percentiles(values: Matrix) -> Interval:
    """Return what 95 % of `values` lie between."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
