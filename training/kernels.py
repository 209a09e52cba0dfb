"""Inner products of texts: what a ridge is solved on if each text is to be left out once."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

Matrix = npt.NDArray[np.float64]

_FREQUENT = 0.2  # share of the rows from which on a column is multiplied densely: what is faster, here
_STRIP = 512


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
