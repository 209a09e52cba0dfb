"""Coverage against risk: how many answers are wrong when the least confident are withheld (Geifman, El-Yaniv 2017)."""

import numpy as np

from training.metrics import Matrix, ratio

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
CURVE_POINTS = 101


def coverage_risk(confidence: Matrix, right: Matrix, weights: Matrix) -> tuple[Matrix, Matrix]:
    """Return coverage and, at each, the share of wrong answers when the least confident are withheld."""
    order = np.argsort(-confidence, kind="stable")
    covered = np.cumsum(weights[order])
    return covered / covered[-1], 1 - np.cumsum((right * weights)[order]) / covered


def accuracy_at(coverage: float, confidence: Matrix, right: Matrix, weights: Matrix) -> Matrix:
    """Return the share of right answers among the most confident `coverage` of all weight, for `weights` (..., n).

    The item at which the share is reached counts with the part of it that fits.
    """
    order = np.argsort(-confidence, kind="stable")
    ranked = np.take(weights, order, axis=-1)
    covered = np.cumsum(ranked, axis=-1)
    room = coverage * covered[..., -1:] - (covered - ranked)
    taken = np.clip(room, 0.0, ranked)
    return ratio((taken * right[order]).sum(axis=-1), taken.sum(axis=-1))


def curve(confidence: Matrix, right: Matrix, weights: Matrix) -> list[dict[str, float]]:
    """Return at most CURVE_POINTS points of coverage, risk and the confidence that is needed, evenly over items."""
    coverage, risk = coverage_risk(confidence, right, weights)
    rows = np.unique(np.linspace(0, len(coverage) - 1, CURVE_POINTS).round().astype(int))
    needed = np.sort(confidence)[::-1]
    return [
        {"coverage": float(coverage[row]), "risk": float(risk[row]), "confidence": float(needed[row])} for row in rows
    ]


def area_under_risk(confidence: Matrix, right: Matrix, weights: Matrix) -> float:
    """Return the mean risk over all coverages, weighted: lower is better, 0 is perfect."""
    order = np.argsort(-confidence, kind="stable")
    _, risk = coverage_risk(confidence, right, weights)
    return float(np.average(risk, weights=weights[order]))
