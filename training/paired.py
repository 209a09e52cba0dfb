"""Is one model better than another on the same items? The paired bootstrap over stories.

Both models answer the same resamples (Koehn 2004, "Statistical significance tests for machine translation
evaluation", section 4), and whole stories are drawn, since items of one story succeed and fail together (Field and
Welsh 2007, section 2). Statistics are computed from counts that add up over items, as in training.metrics.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.metrics import Indices, Matrix

RESAMPLES = 2000

Statistic = Callable[[Matrix], Matrix]


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


class PairedBootstrap:
    """Resamples of whole stories, drawn once from `seed` and the same for every statistic and slice."""

    def __init__(self, stories: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0) -> None:
        names, self._members = np.unique(np.asarray(stories), return_inverse=True)
        shares = np.full(len(names), 1 / len(names))
        self._draws = np.random.default_rng(seed).multinomial(len(names), shares, size=resamples).astype(np.float64)

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
        first, second = before[chosen], after[chosen]
        values = self._resampled(second, chosen, statistic) - self._resampled(first, chosen, statistic)
        low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
        old, new = float(statistic(first.sum(axis=0))), float(statistic(second.sum(axis=0)))
        return Difference(old, new, new - old, float(low), float(high), float((values <= 0).mean()))

    def _resampled(self, counts: Matrix, chosen: Indices, statistic: Statistic) -> Matrix:
        stories, members = np.unique(self._members[chosen], return_inverse=True)
        sums = np.zeros((len(stories), *counts.shape[1:]))
        np.add.at(sums, members, counts)
        return statistic(np.tensordot(self._draws[:, stories], sums, axes=1))
