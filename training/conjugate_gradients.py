"""Conjugate gradients for several right sides at once (Hestenes and Stiefel 1952)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[Any]  # of float32 or float64, as the right side is

MOST_STEPS = 1000


def conjugate_gradients(
    system: Callable[[Matrix], Matrix],
    right_side: Matrix,
    tolerance: float,
    precondition: Callable[[Matrix], Matrix] = lambda residual: residual,
) -> Matrix:
    """Return what the positive definite `system` takes to `right_side`, (n, L).

    Every column takes steps of its own length; they end when the norm of each residual is at most `tolerance` times
    that of its right side, or after MOST_STEPS. `precondition` multiplies by about the inverse of the system.
    """
    tiny = np.finfo(right_side.dtype).tiny
    found, residual = np.zeros_like(right_side), right_side
    enough = tolerance**2 * _products(right_side, right_side)
    direction = nearer = precondition(residual)
    size = _products(residual, nearer)
    for _ in range(MOST_STEPS):
        if (_products(residual, residual) <= enough).all():
            break
        image = system(direction)
        step = size / np.maximum(_products(direction, image), tiny)
        found, residual = found + step * direction, residual - step * image
        nearer = precondition(residual)
        before, size = size, _products(residual, nearer)
        direction = nearer + size / np.maximum(before, tiny) * direction
    return found


def _products(one: Matrix, other: Matrix) -> Matrix:
    """Return the inner product of each column of `one` with that of `other`: a sum over few long columns is slow."""
    products: Matrix = np.einsum("nl,nl->l", one, other)
    return products
