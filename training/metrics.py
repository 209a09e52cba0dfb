"""Scores of topics and framings with intervals: F1, accuracy, calibration, coverage against risk.

Everything is computed from counts that add up over items, so that a bootstrap is one product of
matrices, and items can be weighted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.fit import Labels

Matrix = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

RESAMPLES = 1000
LEVEL = 0.95
BINS = 10
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Predictions:
    """Answers for n items.

    `topics` (n, T) of 0 and 1, `framing` (n,) of indices, the probabilities of both, and `answered`
    (n,), whether a framing was given.
    """

    topics: Indices
    framing: Indices
    topic_probabilities: Matrix
    framing_probabilities: Matrix
    answered: npt.NDArray[np.bool_]


def topic_counts(labels: Labels, predictions: Predictions) -> Matrix:
    """Return, for each item, true positives, false positives and false negatives by topic, (n, 3, T)."""
    return label_counts(labels.topics, predictions.topics)


def label_counts(true: Indices, given: Indices) -> Matrix:
    """Return, for each item, true positives, false positives and false negatives by label, (n, 3, L), of (n, L)."""
    is_true, is_given = true == 1, given == 1
    return np.stack([is_true & is_given, ~is_true & is_given, is_true & ~is_given], axis=1).astype(np.float64)


def framing_counts(labels: Labels, predictions: Predictions, framings: int) -> Matrix:
    """Return, for each item, its one cell of the confusion matrix (true, given), (n, K, K)."""
    cells = np.zeros((len(labels.framing), framings, framings))
    cells[np.arange(len(cells)), labels.framing, predictions.framing] = 1
    return cells


def one_against_rest(confusion: Matrix) -> Matrix:
    """Return true positives, false positives and false negatives by label, (..., 3, K), of (..., K, K)."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return np.stack([hits, confusion.sum(axis=-2) - hits, confusion.sum(axis=-1) - hits], axis=-2)


def f1_by_label(counts: Matrix) -> Matrix:
    """Return F1 by label of (..., 3, K) counts; 0 where a label neither occurs nor is given."""
    hits, false, missed = counts[..., 0, :], counts[..., 1, :], counts[..., 2, :]
    return _ratio(2 * hits, 2 * hits + false + missed)


def f1_macro(counts: Matrix) -> Matrix:
    """Return the mean F1 of the labels that occur or are given, as scikit-learn's `f1_score` does."""
    seen = counts.sum(axis=-2) > 0
    return _ratio(f1_by_label(counts).sum(axis=-1), seen.sum(axis=-1))


def f1_micro(counts: Matrix) -> Matrix:
    """Return F1 of all labels' counts together."""
    pooled = counts.sum(axis=-1, keepdims=True)
    return f1_by_label(pooled)[..., 0]


def accuracy(confusion: Matrix) -> Matrix:
    """Return the share of the diagonal in (..., K, K)."""
    return _ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def precision_recall(counts: Matrix) -> tuple[Matrix, Matrix]:
    """Return precision and recall by label of (3, K) counts."""
    hits, false, missed = counts
    return _ratio(hits, hits + false), _ratio(hits, hits + missed)


def interval(
    counts: Matrix, groups: Sequence[str], statistic: Callable[[Matrix], Matrix], *, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of `statistic` over resamples of whole groups (stories).

    The cluster bootstrap of Field and Welsh (2007), section 2: groups are drawn with replacement.
    """
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.zeros((len(names), *counts.shape[1:]))
    np.add.at(sums, members, counts)
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)
    values = statistic(np.tensordot(draws.astype(np.float64), sums, axes=1))
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def log_loss(chances: Matrix, weights: Matrix) -> float:
    """Return the weighted mean of minus the logarithm of the probability given to what is true."""
    return float(np.average(-np.log(np.maximum(chances, _TINY)), weights=weights))


def calibration_bins(confidence: Matrix, right: Matrix, weights: Matrix) -> list[tuple[float, float, float]]:
    """Return, for each of ten equal bins of confidence that has items, mean confidence, accuracy, share of weight."""
    number = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = []
    for members in (number == index for index in range(BINS)):
        weight = weights[members].sum()
        if weight > 0:
            mean, accurate = (
                float(np.average(values[members], weights=weights[members])) for values in (confidence, right)
            )
            bins.append((mean, accurate, float(weight / weights.sum())))
    return bins


def expected_calibration_error(confidence: Matrix, right: Matrix, weights: Matrix) -> float:
    """Return the mean distance of confidence from accuracy over ten equal bins (Guo et al. 2017, section 2)."""
    bins = calibration_bins(confidence, right, weights)
    return sum(share * abs(mean - accurate) for mean, accurate, share in bins)


def coverage_risk(confidence: Matrix, right: Matrix, weights: Matrix) -> tuple[Matrix, Matrix]:
    """Return coverage and, at each, the share of wrong answers when the least confident are withheld."""
    order = np.argsort(-confidence, kind="stable")
    covered = np.cumsum(weights[order])
    return covered / covered[-1], 1 - np.cumsum((right * weights)[order]) / covered


def _ratio(part: Matrix, whole: Matrix) -> Matrix:
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
