"""Ridge regression for more rows than a kernel matrix holds: conjugate gradients on the weights of the columns.

All labels are solved for at once. Rows at which every score is to be 0 are given as differences of means of the
rows, and are what the system is preconditioned by: a heavy price for them would else cost hundreds of steps
(Hestenes and Stiefel 1952; the inverse of the preconditioner by Woodbury's formula).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Matrix = npt.NDArray[np.float32]

TOLERANCE = 3e-3  # of the residual, beside that of weights of 0: answers no longer change
MOST_STEPS = 500


@dataclass(frozen=True, slots=True)
class Contrasts:
    """Rows (m, columns) at which every score is to be 0, and the price of the square of one."""

    rows: Matrix
    price: float


def primal_ridge(
    rows: sparse.csr_matrix,
    targets: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
    penalty: float,
    contrasts: Contrasts | None = None,
) -> Matrix:
    """Return the weights of the columns, (columns, L), for `targets` (n, L) and the weight of each row's error, (n,).

    They minimise the weighted squared errors, and `penalty` times their own squares.
    """
    columns = rows.T.tocsr()
    by_row = weights.astype(np.float32)[:, None]

    def system(at: Matrix) -> Matrix:
        product: Matrix = columns @ (by_row * (rows @ at)) + np.float32(penalty) * at
        if contrasts:
            product += np.float32(contrasts.price) * (contrasts.rows.T @ (contrasts.rows @ at))
        return product

    right_side = columns @ (by_row * targets.astype(np.float32))
    return _conjugate_gradients(system, right_side, _preconditioner(penalty, contrasts))


def _preconditioner(penalty: float, contrasts: Contrasts | None) -> Callable[[Matrix], Matrix]:
    """Return what multiplies by the inverse of the system's part that is not the rows'."""
    if contrasts is None or not len(contrasts.rows):
        return lambda residual: residual
    wide = contrasts.rows
    small = (wide @ wide.T).astype(np.float64) + np.eye(len(wide)) * penalty / contrasts.price
    inverse = np.linalg.inv(small).astype(np.float32)
    return lambda residual: residual - wide.T @ (inverse @ (wide @ residual))


def _conjugate_gradients(
    system: Callable[[Matrix], Matrix], right_side: Matrix, precondition: Callable[[Matrix], Matrix]
) -> Matrix:
    found, residual = np.zeros_like(right_side), right_side.copy()
    enough = TOLERANCE * np.linalg.norm(right_side, axis=0)
    direction = nearer = precondition(residual)
    size = (residual * nearer).sum(axis=0)
    for _ in range(MOST_STEPS):
        if (np.linalg.norm(residual, axis=0) <= enough).all():
            break
        image = system(direction)
        step = size / np.maximum((direction * image).sum(axis=0), np.finfo(np.float32).tiny)
        found += step * direction
        residual -= step * image
        nearer = precondition(residual)
        before, size = size, (residual * nearer).sum(axis=0)
        direction = nearer + size / np.maximum(before, np.finfo(np.float32).tiny) * direction
    return found
