"""Inner products of articles, field by field: what a dual classifier is fitted on, shared by classifiers."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse

Matrix = npt.NDArray[np.float64]

_FREQUENT = 0.2  # share of the rows from which on a column is multiplied densely: what is faster, here
_STRIP = 512


class FieldKernels:
    """The inner products of `rows`, whose columns come in blocks of `widths`."""

    def __init__(self, rows: sparse.csr_matrix, widths: Sequence[int]) -> None:
        bounds = np.cumsum([0, *widths])
        self._blocks = [rows[:, begin:end] for begin, end in pairwise(bounds)]
        self._products: dict[int, Matrix] = {}

    def weighted(self, weights: Sequence[float], count: int) -> Matrix:
        """Return the inner products of the first `count` rows with the blocks' columns times `weights`."""
        total = np.zeros((count, count))
        for block, weight in enumerate(weights):
            if weight:
                total += weight**2 * self._product(block, count)
        return total

    def _product(self, block: int, count: int) -> Matrix:
        known = self._products.get(block)
        if known is None or len(known) < count:
            known = self._products[block] = inner_products(self._blocks[block][:count])
        return known[:count, :count]


def inner_products(rows: sparse.csr_matrix) -> Matrix:
    """Return ``rows @ rows.T``, dense: frequent columns by BLAS, the others sparsely and above the diagonal only."""
    spread = np.bincount(rows.indices, minlength=rows.shape[1])
    frequent = spread > _FREQUENT * rows.shape[0]
    dense = rows[:, np.flatnonzero(frequent)].toarray()
    rare = rows[:, np.flatnonzero(~frequent)]
    products: Matrix = dense @ dense.T
    for begin in range(0, rows.shape[0], _STRIP):
        end = begin + _STRIP
        strip = (rare[begin:end] @ rare[begin:].T).toarray()
        products[begin:end, begin:] += strip
        products[end:, begin:end] += strip[:, _STRIP:].T
    return products
