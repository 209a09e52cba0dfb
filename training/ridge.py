"""Ridge regression on class indicators, solved among items by conjugate gradients.

With far more n-grams than items, the dual form (Saunders, Gammerman and Vovk 1998) is the small one, and conjugate
gradients need only products with the sparse rows: time and memory grow with the n-grams
counted, not with the square of the items. The weights of n-grams follow from the dual ones, so the result
is as linear as a logistic regression. On short texts it also generalises better here (see BENCHMARKS.md).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import linalg
from sklearn.base import BaseEstimator, ClassifierMixin

from training.conjugate_gradients import conjugate_gradients
from training.factored_rows import FactoredRows, SparseRows

Matrix = npt.NDArray[np.float64]
Products: TypeAlias = Callable[[Matrix], Matrix]

_TOLERANCE = 1e-4  # of a residual beside its target: scores are then within about 0.0003 of the exact ones
_OUTLIERS, _ITERATIONS = 8, 2


class DualRidge(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """One ridge regression for each class, on targets of -1 and 1.

    `alpha` is the penalty in units of the mean squared length of the rows; the intercept is penalised like a column of
    that squared length times `intercept_scale`.
    """

    def __init__(self, alpha: float = 0.1, intercept_scale: float = 0.3, class_weight: Any = None):
        self.alpha = alpha
        self.intercept_scale = intercept_scale
        self.class_weight = class_weight

    def fit(
        self,
        rows: SparseRows,
        y: npt.NDArray[np.int64],
        sample_weight: Matrix | None = None,
        beside: npt.NDArray[np.float32] | None = None,
    ) -> Self:
        """Fit to `rows` (n, columns) and `y`, classes (n,) or indicators (n, L) of 0 and 1.

        The squared error of a row counts `sample_weight` times, above 0, (n,). Columns `beside` (n, D) are learnt from,
        too, in units of the root of the mean squared length of the rows; their coefficients are `beside_coef_` (L, D).
        """
        y = np.asarray(y)
        self.classes_ = np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])
        indicators = y[:, None] == self.classes_ if y.ndim == 1 else y == 1
        factored = _factored(rows)
        unit = factored.mean_square() or 1.0
        constant = unit * self.intercept_scale
        weights = self._item_weights(y) * (1.0 if sample_weight is None else sample_weight[:, None])
        products = factored.inner_products()
        if beside is not None:
            products = _with_beside(products, beside, unit)
        dual = _solve(products, constant, self.alpha * unit, weights, np.where(indicators, 1.0, -1.0))
        self.coef_ = factored.transposed_times(dual).T
        if beside is not None:
            self.beside_coef_ = unit * (beside.T @ dual.astype(np.float32)).T
        self.intercept_ = constant * dual.sum(axis=0)
        return self

    def decision_function(self, rows: SparseRows) -> Matrix:
        """Return a score for each row and class, (n, L); about 1 where the class is sure and -1 where it is not."""
        scores: Matrix = _factored(rows).times(self.coef_.T) + self.intercept_
        return scores

    def predict(self, rows: SparseRows) -> npt.NDArray[np.int64]:
        """Return the class with the highest score of each row."""
        classes: npt.NDArray[np.int64] = self.classes_[self.decision_function(rows).argmax(axis=1)]
        return classes

    def _item_weights(self, y: npt.NDArray[np.int64]) -> Matrix:
        """Return the weight of each item, (n, 1), or for each label of its own, (n, L), if it may have several."""
        if self.class_weight is None:
            return np.ones((len(y), 1))
        if self.class_weight == "balanced":
            columns = y[:, None] if y.ndim == 1 else y
            return np.column_stack([_balanced(column) for column in columns.T])
        if y.ndim == 1:
            return np.array([[self.class_weight.get(int(label), 1.0)] for label in y])
        given = [self.class_weight.get(label, 1.0) for label in range(y.shape[1])]
        weights: Matrix = np.where(y == 1, given, 1.0)
        return weights


def dual_and_left_out(kernel: Matrix, penalties: Matrix, targets: Matrix) -> tuple[Matrix, Matrix]:
    """Return the dual weights for `targets` (n, L), and each row's scores by the model without it (Golub et al. 1979).

    `kernel` (n, n) holds the inner products of the rows, `penalties` (n,) the penalty over each row's weight.
    """
    inverse = linalg.inv(kernel + np.diag(penalties), check_finite=False)
    dual: Matrix = inverse @ targets
    return dual, targets - dual / np.diag(inverse)[:, None]


def _balanced(column: npt.NDArray[np.int64]) -> Matrix:
    """Return weights under which every value of `column` counts alike; their mean is 1."""
    _, values, counts = np.unique(column, return_inverse=True, return_counts=True)
    weights: Matrix = len(column) / (len(counts) * counts[values])
    return weights


def _factored(rows: SparseRows) -> FactoredRows:
    return rows if isinstance(rows, FactoredRows) else FactoredRows([(rows,)])


def _with_beside(products: Products, beside: npt.NDArray[np.float32], unit: float) -> Products:
    """Return `products` with the inner products of rows, with those of `beside` added, `unit` times.

    One vector at a time: for a product with a few, BLAS would first lay out the whole matrix anew.
    """
    beside = np.asfortranarray(beside)

    def times(vectors: Matrix) -> Matrix:
        added = [beside @ (vector @ beside) for vector in vectors.T.astype(np.float32)]
        return products(vectors) + unit * np.column_stack(added)

    return times


def _solve(products: Products, constant: float, penalty: float, weights: Matrix, targets: Matrix) -> Matrix:
    """Return the dual weights (n, L) of ridges on rows and a `constant` column, the error of each row weighted.

    `products` multiplies by the inner products of the rows.
    """

    def system(roots: Matrix, vectors: Matrix) -> Matrix:
        scaled = roots * vectors
        scores = products(scaled) + constant * scaled.sum(axis=0)
        return np.asarray(roots * scores + penalty * vectors)

    roots = np.sqrt(weights)
    precondition = _without_outliers(partial(system, np.sqrt(weights.mean(axis=1, keepdims=True))), len(targets))
    solved = conjugate_gradients(partial(system, roots), roots * targets, _TOLERANCE, precondition)
    return np.asarray(roots * solved)


def _without_outliers(system: Callable[[Matrix], Matrix], size: int) -> Callable[[Matrix], Matrix]:
    """Return what brings the few greatest eigenvalues of `system`, (size, size), down to the least of them.

    What all texts have in common, and all of a language, stands a hundred times above the rest, and costs conjugate
    gradients a third of their steps. Eigenvectors by subspace iteration (Halko, Martinsson and Tropp 2011, 4.5).
    """
    basis = np.random.default_rng(0).normal(size=(size, min(size, _OUTLIERS)))
    for _ in range(_ITERATIONS):
        basis = system(np.linalg.qr(basis)[0])
    basis = np.linalg.qr(basis)[0]
    values, turn = np.linalg.eigh(basis.T @ system(basis))
    vectors, shares = basis @ turn, (1 - values.min() / values)[:, None]
    return lambda residual: residual - vectors @ (shares * (vectors.T @ residual))
