"""A classifier of anybody's texts: ridge regression on n-grams, decided by its own leave-one-out scores.

Labels are regressed on as 0 and 1 (regularised least squares; Rifkin, Yeo and Poggio 2003). The score of a text
by the model without that text has a closed form (Golub, Heath and Wahba 1979), so that the strength of the
penalty, the threshold of a multi-label task and the shifts of a single-label one are chosen without a
further split, on scores as honest as cross-validation's. What solves the systems is in ridge.py and primal_ridge.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin

from training.benchmark_config import Recipe
from training.kernels import inner_products
from training.metrics import f1_by_label, f1_macro, f1_micro, label_counts
from training.primal_ridge import Contrasts, primal_ridge
from training.ridge import dual_and_left_out
from training.text_features import TextFeatures

Matrix = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

MOST_EXACT = 6000  # texts for which the kernel matrix is inverted; above, conjugate gradients and no tuning
_LEAST_GROUP = 3  # texts of a label in a group, for a mean of them to say something
_MIDDLE = 0.5
_GRID = np.arange(-0.5, 0.501, 0.05)
_THRESHOLDS = np.arange(0.25, 0.551, 0.025)
_SWEEPS = 3
_COST = 0.03  # of a shift of 1: small shifts that gain nothing are noise


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted ridge: weights by n-gram, the labels' shares, and leave-one-out scores where they are known."""

    weights: Matrix
    shares: Matrix
    left_out: Matrix | None


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """Classifies texts as `recipe` says.

    `y` is one label a text, (n,), or a matrix of 0 and 1, (n, L), where a text may have several; it then
    gets the best one at least. `scored` are the labels whose F1 is tuned for; all if empty.
    """

    def __init__(self, recipe: Recipe, scored: tuple[str, ...] = ()) -> None:
        self.recipe = recipe
        self.scored = scored

    def fit(self, texts: Sequence[str], y: npt.ArrayLike, groups: Sequence[str] | None = None) -> Self:
        """Fit on `texts`; `groups` are where they come from, which should not matter."""
        targets = self._targets(np.asarray(y))
        self.features_ = TextFeatures(self.recipe)
        features = self.features_.fit_transform(texts, groups=groups)
        weights = self._text_weights(targets, groups)
        rows = _Rows(features, targets, weights)
        if groups is not None and self.recipe.group_penalty:
            deviations = _group_deviations(features, targets, groups)
            rows = replace(rows, contrasts=Contrasts(deviations, self.recipe.group_penalty))
        tuned = [(fit, self._shifts(fit, targets)) for fit in self._candidates(rows)]
        self.fit_, self.shifts_ = max(tuned, key=lambda pair: self._merit(pair[0], pair[1], targets))
        return self

    def decision_function(self, texts: Sequence[str]) -> Matrix:
        """Return the scores of `texts` by label, (n, L), with their shifts."""
        scores: Matrix = self.features_.transform(texts) @ self.fit_.weights + self.fit_.shares
        return scores + self.shifts_

    def predict(self, texts: Sequence[str]) -> npt.NDArray[np.generic]:
        """Return labels in the form in which `fit` got them."""
        chosen = self._decide(self.decision_function(texts))
        labels: npt.NDArray[np.generic] = chosen if self.multi_label_ else self.classes_[chosen.argmax(axis=1)]
        return labels

    def _targets(self, y: npt.NDArray[np.generic]) -> Indices:
        self.multi_label_ = y.ndim == 2
        self.classes_ = np.arange(y.shape[1]) if self.multi_label_ else np.unique(y)
        targets = y == 1 if self.multi_label_ else y[:, None] == self.classes_
        return np.asarray(targets, dtype=np.int64)

    def _candidates(self, rows: "_Rows") -> Iterator[Fit]:
        if len(rows.weights) > MOST_EXACT:
            solved = primal_ridge(
                rows.features, rows.targets - rows.shares, rows.weights, self.recipe.strengths[0], rows.contrasts
            )
            yield Fit(solved.astype(np.float64), rows.shares, None)
            return
        kernel = rows.kernel()
        for strength in self.recipe.strengths:
            yield _exact(rows, kernel, strength)

    def _text_weights(self, targets: Indices, groups: Sequence[str] | None) -> Matrix:
        """Return the weight of each text's error: less in a group of many texts of its label, more for a rare label."""
        if self.multi_label_:
            return np.ones(len(targets))
        weights: Matrix = np.ones(len(targets))
        if groups is not None:
            pairs = [f"{group} {label}" for group, label in zip(groups, targets.argmax(axis=1), strict=True)]
            _, members, sizes = np.unique(pairs, return_inverse=True, return_counts=True)
            weights = sizes[members].astype(np.float64) ** -self.recipe.group_balance
        weights = weights * (targets @ (weights @ targets) ** -self.recipe.balance)
        return np.asarray(weights / weights.mean())

    def _shifts(self, fit: Fit, targets: Indices) -> Matrix:
        """Return what to add to the scores so that the left-out texts are decided best."""
        none = np.zeros(targets.shape[1])
        if fit.left_out is None or self.recipe.tune == "none":
            return none
        if self.recipe.tune == "threshold":
            return max((none + _MIDDLE - level for level in _THRESHOLDS), key=lambda at: self._merit(fit, at, targets))
        return self._label_shifts(fit, targets, none)

    def _label_shifts(self, fit: Fit, targets: Indices, shifts: Matrix) -> Matrix:
        """Return the best shift of each label but the first scored one, found label by label."""
        fixed = int(np.argmax(self.classes_ == self.scored[0])) if self.scored else 0
        for _ in range(_SWEEPS):
            for label in set(range(len(shifts))) - {fixed}:
                tried = [np.where(np.arange(len(shifts)) == label, value, shifts) for value in _GRID]
                shifts = max(tried, key=lambda at: self._merit(fit, at, targets))
        return shifts

    def _merit(self, fit: Fit, shifts: Matrix, targets: Indices) -> float:
        """Return how well left-out texts are decided with `shifts`."""
        if fit.left_out is None:
            return 0.0
        chosen = self._decide(fit.left_out + shifts)
        counts = label_counts(targets, chosen).sum(axis=0)
        if self.multi_label_:
            return float(f1_macro(counts) + f1_micro(counts) + (chosen == targets).all(axis=1).mean())
        scored = np.isin(self.classes_, self.scored or self.classes_)
        return float(f1_by_label(counts)[scored].mean() - _COST * np.abs(shifts).sum())

    def _decide(self, scores: Matrix) -> Indices:
        chosen: Indices = np.eye(scores.shape[1], dtype=np.int64)[scores.argmax(axis=1)]
        return chosen | (scores > _MIDDLE) if self.multi_label_ else chosen


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is regressed: features, targets and weights of texts, and the rows at which every score is to be 0."""

    features: sparse.csr_matrix
    targets: Indices
    weights: Matrix
    contrasts: Contrasts | None = None

    @property
    def shares(self) -> Matrix:
        """The labels' shares."""
        return np.asarray(self.weights @ self.targets / self.weights.sum())

    def all_features(self) -> sparse.csr_matrix:
        """Return the texts' features, then those of the rows for which every score is to be 0."""
        if self.contrasts is None:
            return self.features
        return sparse.vstack([self.features, sparse.csr_matrix(self.contrasts.rows)], format="csr")

    def kernel(self) -> Matrix:
        """Return the inner products of all rows."""
        return inner_products(self.all_features().astype(np.float64))


def _group_deviations(features: sparse.csr_matrix, targets: Indices, groups: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return, label by label, how the mean text of each group differs from the mean of these means.

    A score that is 0 there does not tell the groups of one label apart.
    """
    rows = [np.zeros((0, features.shape[1]), np.float32)]
    for label in targets.T.astype(bool):
        names, members, sizes = np.unique(np.asarray(groups)[label], return_inverse=True, return_counts=True)
        cells = (1 / sizes[members].astype(np.float32), (members, np.flatnonzero(label)))
        means = sparse.csr_matrix(cells, shape=(len(names), features.shape[0]))[sizes >= _LEAST_GROUP] @ features
        if means.shape[0]:
            rows.append(np.asarray(means.toarray() - means.mean(axis=0), dtype=np.float32))
    return np.vstack(rows)


def _exact(rows: _Rows, kernel: Matrix, strength: float) -> Fit:
    """Return the ridge in its dual form, each row's error weighted, and its leave-one-out scores."""
    texts, more = len(rows.targets), len(kernel) - len(rows.targets)
    prices = np.full(more, rows.contrasts.price if rows.contrasts else 0.0)
    residuals = np.vstack([rows.targets - rows.shares, np.zeros((more, rows.targets.shape[1]))])
    dual, left_out = dual_and_left_out(kernel, strength / np.append(rows.weights, prices), residuals)
    return Fit(rows.all_features().T @ dual, rows.shares, left_out[:texts] + rows.shares)
