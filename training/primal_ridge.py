"""Ridge regression for more rows than a kernel matrix holds: conjugate gradients on the weights of the columns.

All labels are solved for at once. Rows at which every score is to be 0 are given as differences of means of the
rows, and are what the system is preconditioned by: a heavy price for them would else cost hundreds of steps
(the inverse of the preconditioner by Woodbury's formula).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from training.conjugate_gradients import conjugate_gradients

Matrix = npt.NDArray[np.float32]

TOLERANCE = 3e-3  # of the residual, beside that of weights of 0: answers no longer change


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
    return conjugate_gradients(system, right_side, TOLERANCE, _preconditioner(penalty, contrasts))


def _preconditioner(penalty: float, contrasts: Contrasts | None) -> Callable[[Matrix], Matrix]:
    """Return what multiplies by the inverse of the system's part that is not the rows'."""
    if contrasts is None or not len(contrasts.rows):
        return lambda residual: residual
    wide = contrasts.rows
    small = (wide @ wide.T).astype(np.float64) + np.eye(len(wide)) * penalty / contrasts.price
    inverse = np.linalg.inv(small).astype(np.float32)
    return lambda residual: residual - wide.T @ (inverse @ (wide @ residual))
