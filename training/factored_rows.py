"""Rows that are kept as products of sparse factors, and multiplied factor by factor.

What an article counts of n-grams is what it counts of words times what each word is spelt with. Both factors together
have a quarter of the entries that their product has, and a product with vectors costs as many steps as there are
entries.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, reduce
from itertools import accumulate
from operator import add, matmul
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

Matrix = npt.NDArray[np.float64]
Block = tuple[sparse.csr_matrix | sparse.csc_matrix, ...]


class FactoredRows:
    """A matrix (n, columns) of blocks side by side, each the product of one or more factors."""

    def __init__(self, blocks: Sequence[Block], squares: Callable[[], Matrix] | None = None) -> None:
        self._find_squares = squares
        self.blocks = tuple(blocks)
        self.widths = [block[-1].shape[1] for block in blocks]
        self.shape = (blocks[0][0].shape[0], sum(self.widths))

    def __len__(self) -> int:
        return int(self.shape[0])

    def times(self, vectors: Matrix) -> Matrix:
        """Return the matrix times `vectors` (columns, L), (n, L)."""
        parts = np.split(vectors, list(accumulate(self.widths))[:-1])
        return reduce(add, [_product(block, part) for block, part in zip(self.blocks, parts, strict=True)])

    def transposed_times(self, vectors: Matrix) -> Matrix:
        """Return the transposed matrix times `vectors` (n, L), (columns, L)."""
        return np.concatenate([_product(_transposed(block), vectors) for block in self.blocks])

    def inner_products(self) -> Callable[[Matrix], Matrix]:
        """Return what multiplies vectors (n, L) by the inner products of the rows, (n, n)."""
        blocks = [_in_order(block) for block in self.blocks]
        pairs = [(block, tuple(factor.tocsr() for factor in _transposed(block))) for block in blocks]
        return lambda vectors: reduce(add, [_product(block, _product(back, vectors)) for block, back in pairs])

    def mean_square(self) -> float:
        """Return the mean squared length of a row."""
        return float(self.squares.sum() / len(self))

    @cached_property
    def squares(self) -> Matrix:
        """The squared length of each row in each block, (n, blocks); what weighs or chooses rows has them from here."""
        if self._find_squares:
            return self._find_squares()
        return np.column_stack([_row_squares(reduce(matmul, block)) for block in self.blocks])

    def multiplied(self) -> sparse.csr_matrix:
        """Return the matrix itself."""
        return sparse.csr_matrix(sparse.hstack([reduce(matmul, block) for block in self.blocks], format="csr"))

    def at(self, rows: npt.NDArray[np.int64]) -> "FactoredRows":
        """Return some of the rows."""
        return FactoredRows([(block[0][rows], *block[1:]) for block in self.blocks], lambda: self.squares[rows])

    def weighted(self, weights: Sequence[float]) -> "FactoredRows":
        """Return the matrix with its blocks multiplied by `weights`; what is then zero has no entries left."""
        pairs = zip(self.blocks, weights, strict=True)
        blocks = [_compact((sparse.csr_matrix(block[0] * weight), *block[1:])) for block, weight in pairs]
        return FactoredRows(blocks, lambda: self.squares * np.square(weights))


SparseRows: TypeAlias = sparse.csr_matrix | FactoredRows


def _row_squares(rows: sparse.csr_matrix) -> Matrix:
    squares: Matrix = np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
    return squares


def _transposed(block: Block) -> Block:
    return tuple(factor.T for factor in reversed(block))


def _in_order(block: Block) -> Block:
    """Return `block` with the columns that it has entries in, as they come: what is read together lies together."""
    *others, last = block
    used, first = np.unique(last.indices, return_index=True)
    return (*others, last[:, used[np.argsort(first)]])


def _product(block: Block, vectors: Matrix) -> Matrix:
    """Return the product of the factors of `block` and `vectors`, from right to left."""
    for factor in reversed(block):
        vectors = factor @ vectors
    return vectors


def _compact(block: Block) -> Block:
    """Return `block` without what the first factor has no entries for in the second."""
    first, *others = block
    first.eliminate_zeros()
    if not others:
        return (first,)
    used = np.unique(first.indices)
    return (first[:, used], others[0][used], *others[1:])
