"""Linear classifiers beside the ridge. Whatever they are fitted by, one row of coefficients a label is what is left."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

Matrix = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


class LinearClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """What has `coef_` (L, columns), `intercept_` (L,) and `classes_` (L,)."""

    coef_: Matrix
    intercept_: Matrix
    classes_: Indices

    def decision_function(self, rows: sparse.csr_matrix) -> Matrix:
        """Return a score for each row and class, (n, L)."""
        scores: Matrix = np.asarray(rows @ self.coef_.T) + self.intercept_
        return scores

    def predict(self, rows: sparse.csr_matrix) -> Indices:
        """Return the class with the highest score of each row."""
        classes: Indices = self.classes_[self.decision_function(rows).argmax(axis=1)]
        return classes


class OneForEach(LinearClassifier):
    """One classifier of two classes for each label, against all others.

    `kind` is "logistic"; "svm", squared hinge loss (Fan et al. 2008); "complement_bayes" (Rennie et al. 2003); or
    "bayes_logistic": a logistic regression on columns times their log-count ratios, as Wang and Manning (2012)
    have it for the support vector machine. `smoothing` is what both of Bayes add to counts, in mean counts of a column.
    """

    def __init__(
        self, kind: str, c: float = 1.0, smoothing: float = 1.0, class_weight: Any = None, seed: int = 0
    ) -> None:
        self.kind = kind
        self.c = c
        self.smoothing = smoothing
        self.class_weight = class_weight
        self.seed = seed

    def fit(self, rows: sparse.csr_matrix, y: Indices, sample_weight: Matrix | None = None) -> Self:
        """Fit to `rows` (n, columns) and `y`, classes (n,) or indicators (n, L) of 0 and 1, weighted (n,)."""
        y = np.asarray(y)
        self.classes_ = np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])
        indicators = y[:, None] == self.classes_ if y.ndim == 1 else y == 1
        fitted = [
            self._one(rows, column.astype(np.int64), self._weight(label), sample_weight)
            for label, column in zip(self.classes_.tolist(), indicators.T, strict=True)
        ]
        self.coef_ = np.vstack([coefficients for coefficients, _ in fitted])
        self.intercept_ = np.array([intercept for _, intercept in fitted])
        return self

    def _weight(self, label: int) -> Any:
        return {1: self.class_weight.get(label, 1.0)} if isinstance(self.class_weight, dict) else self.class_weight

    def _one(
        self, rows: sparse.csr_matrix, present: Indices, weight: Any, sample_weight: Matrix | None
    ) -> tuple[Matrix, float]:
        if len(np.unique(present)) == 1:
            return np.zeros(rows.shape[1]), 1.0 if present[0] else -1.0
        if self.kind == "complement_bayes":
            return _complement_bayes(rows, present, self._alpha(rows), weight, sample_weight)
        ratio = _count_ratio(rows, present, self._alpha(rows)) if self.kind == "bayes_logistic" else None
        scaled = rows if ratio is None else sparse.csr_matrix(rows @ sparse.diags_array(ratio))
        model = self._solver(weight).fit(scaled, present, sample_weight=sample_weight)
        return model.coef_[0] if ratio is None else model.coef_[0] * ratio, float(model.intercept_[0])

    def _alpha(self, rows: sparse.csr_matrix) -> float:
        return float(self.smoothing * rows.sum() / max(1, rows.shape[1]))

    def _solver(self, weight: Any) -> Any:
        options = {"C": self.c, "class_weight": weight, "max_iter": 1000, "tol": 1e-3, "random_state": self.seed}
        return LinearSVC(**options) if self.kind == "svm" else LogisticRegression(**options)


class Average(LinearClassifier):
    """The mean of the scores of several classifiers, each first brought to unit spread over what it was fitted on."""

    def __init__(self, members: Sequence[Any]) -> None:
        self.members = members

    def fit(self, rows: sparse.csr_matrix, y: Indices, sample_weight: Matrix | None = None) -> Self:
        """Fit every member to `rows` and `y`, weighted (n,)."""
        fitted = [clone(member).fit(rows, y, sample_weight=sample_weight) for member in self.members]
        shares = [1 / (len(fitted) * (float(member.decision_function(rows).std()) or 1.0)) for member in fitted]
        self.classes_ = fitted[0].classes_
        self.coef_ = sum(member.coef_ * share for member, share in zip(fitted, shares, strict=True))
        self.intercept_ = sum(member.intercept_ * share for member, share in zip(fitted, shares, strict=True))
        return self


def _complement_bayes(
    rows: sparse.csr_matrix, present: Indices, alpha: float, weight: Any, sample_weight: Matrix | None
) -> tuple[Matrix, float]:
    weights = np.ones(len(present)) if sample_weight is None else sample_weight
    if weight == "balanced":
        weights = weights * (len(present) / (2 * np.bincount(present, minlength=2)))[present]
    elif weight:
        weights = weights * np.where(present == 1, weight[1], 1.0)
    model = ComplementNB(alpha=alpha).fit(rows, present, sample_weight=weights)
    return model.feature_log_prob_[1] - model.feature_log_prob_[0], 0.0


def _count_ratio(rows: sparse.csr_matrix, present: Indices, alpha: float) -> Matrix:
    """Return the logarithm of how much of the present ones' counts each column has to how much of the others'."""
    with_label, without = (alpha + np.asarray(rows[present == value].sum(axis=0)).ravel() for value in (1, 0))
    ratio: Matrix = np.log(with_label / with_label.sum()) - np.log(without / without.sum())
    return ratio
