"""How good probabilities are: log loss, Brier score, calibration error with its bins, precision at every recall."""

from dataclasses import dataclass

import numpy as np

from training.metrics import Indices, Matrix, ratio

BINS = 10
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of confidence: the mean confidence in it, the share that was right, its share of all weight, its items."""

    confidence: float
    accuracy: float
    share: float
    items: int


def item_log_loss(chances: Matrix) -> Matrix:
    """Return minus the logarithm of the probability given to what is true, item by item."""
    losses: Matrix = -np.log(np.maximum(chances, _TINY))
    return losses


def log_loss(chances: Matrix, weights: Matrix) -> float:
    """Return the weighted mean of minus the logarithm of the probability given to what is true."""
    return float(np.average(item_log_loss(chances), weights=weights))


def bin_sums(confidence: Matrix, right: Matrix, weights: Matrix) -> Matrix:
    """Return, item by item, confidence, rightness and weight in the column of its bin, (n, 3, BINS), weighted."""
    number = np.minimum((confidence * BINS).astype(int), BINS - 1)
    sums = np.zeros((len(number), 3, BINS))
    sums[np.arange(len(number)), :, number] = np.stack([confidence, right, np.ones(len(number))], axis=1)
    sums *= weights[:, None, None]
    return sums


def calibration_error(sums: Matrix) -> Matrix:
    """Return the expected calibration error of sums (..., 3, BINS): Guo et al. (2017), section 2."""
    gaps = np.abs(sums[..., 0, :] - sums[..., 1, :]).sum(axis=-1)
    return ratio(gaps, sums[..., 2, :].sum(axis=-1))


def expected_calibration_error(confidence: Matrix, right: Matrix, weights: Matrix) -> float:
    """Return the mean distance of confidence from accuracy over ten equal bins."""
    return float(calibration_error(bin_sums(confidence, right, weights).sum(axis=0)))


def calibration_bins(confidence: Matrix, right: Matrix, weights: Matrix) -> list[Bin]:
    """Return the equal bins of confidence that have items: what a reliability diagram shows."""
    sums = bin_sums(confidence, right, weights)
    items = (sums[:, 2] > 0).sum(axis=0)
    total = sums.sum(axis=0)
    means, accuracies = ratio(total[0], total[2]), ratio(total[1], total[2])
    shares = total[2] / total[2].sum()
    rows = zip(means.tolist(), accuracies.tolist(), shares.tolist(), items.tolist(), strict=True)
    return [Bin(*row) for row in rows if row[3]]


class Ranking:
    """Items in the order of their score, ties together, for figures that look at every threshold.

    Columns are chosen by `np.take`: that is twice as fast as an index, and nearly all of the time of a resample.
    """

    def __init__(self, scores: Matrix, present: Indices) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ranked = scores[self._order]
        self._ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
        self._present = present[self._order] == 1
        self._hits = np.flatnonzero(self._present)

    def precision_recall(self, weights: Matrix) -> tuple[Matrix, Matrix]:
        """Return precision and recall (..., thresholds) from the highest threshold down, at item weights (..., n)."""
        ranked = np.take(weights, self._order, axis=-1)
        hits = np.cumsum(ranked * self._present, axis=-1)[..., self._ends]
        given = np.cumsum(ranked, axis=-1)[..., self._ends]
        return ratio(hits, given), ratio(hits, hits[..., -1:])

    def average_precision(self, weights: Matrix) -> Matrix:
        """Return the mean precision over the recall gained at each threshold, as scikit-learn does; 0 without hits."""
        ranked = np.take(weights, self._order, axis=-1)
        hits = np.take(ranked, self._hits, axis=-1)
        ends = self._ends[np.searchsorted(self._ends, self._hits)]  # of each item that is present: its threshold
        last = np.searchsorted(self._hits, ends, side="right") - 1
        found = np.take(np.cumsum(hits, axis=-1), last, axis=-1)
        precision = ratio(found, np.take(np.cumsum(ranked, axis=-1), ends, axis=-1))
        average: Matrix = ratio((hits * precision).sum(axis=-1), hits.sum(axis=-1))
        return average
