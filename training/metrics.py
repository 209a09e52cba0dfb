"""Scores of topics and framings: F1, precision, recall, accuracy.

Everything is computed from counts that add up over items, so that a bootstrap is one product of
matrices, and items can be weighted.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.labels import Labels

Matrix = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


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

    def at(self, rows: Indices) -> "Predictions":
        """Return the answers for some of the items."""
        return Predictions(
            self.topics[rows],
            self.framing[rows],
            self.topic_probabilities[rows],
            self.framing_probabilities[rows],
            self.answered[rows],
        )


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
    return ratio(2 * hits, 2 * hits + false + missed)


def f1_macro(counts: Matrix) -> Matrix:
    """Return the mean F1 of the labels that occur or are given, as scikit-learn's `f1_score` does."""
    seen = counts.sum(axis=-2) > 0
    return ratio(f1_by_label(counts).sum(axis=-1), seen.sum(axis=-1))


def f1_micro(counts: Matrix) -> Matrix:
    """Return F1 of all labels' counts together."""
    pooled = counts.sum(axis=-1, keepdims=True)
    return f1_by_label(pooled)[..., 0]


def accuracy(confusion: Matrix) -> Matrix:
    """Return the share of the diagonal in (..., K, K)."""
    return ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def precision_recall(counts: Matrix) -> tuple[Matrix, Matrix]:
    """Return precision and recall by label of (3, K) counts."""
    hits, false, missed = counts
    return ratio(hits, hits + false), ratio(hits, hits + missed)


def ratio(part: Matrix, whole: Matrix) -> Matrix:
    """Return `part` over `whole`; 0 where `whole` is 0."""
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
