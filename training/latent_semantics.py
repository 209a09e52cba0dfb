"""Latent semantic analysis (Deerwester et al. 1990): words that stand in the same articles get like vectors."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

Vectors = npt.NDArray[np.float32]

_SPARE, _ITERATIONS = 16, 8  # with 3 the last axes are not the true ones yet
_TINY = 1e-9  # of the greatest square


def latent_vectors(counts: sparse.csr_matrix, idf: npt.NDArray[np.float64], dimensions: int) -> Vectors:
    """Return vectors of length 1 for the words that `counts` (articles, words) has in its columns, (words, D).

    Log counts are weighted by `idf` (words,). D is `dimensions`, or as many as there are articles or words. The space
    of the greatest singular vectors is found by subspace iteration (Halko, Martinsson and Tropp 2011, 4.5); which
    axes it gets does not matter to a ridge.
    """
    data = (np.log1p(counts.data) * idf[counts.indices]).astype(np.float32)
    weighted = sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)
    back = weighted.T.tocsr()
    width = min(dimensions + _SPARE, *counts.shape)
    basis = np.random.default_rng(0).standard_normal((counts.shape[0], width), dtype=np.float32)
    for _ in range(_ITERATIONS):
        basis = weighted @ (back @ _orthonormal(basis, width))
    vectors = _orthonormal(back @ _orthonormal(basis, width), dimensions)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit


def _orthonormal(columns: Vectors, most: int) -> Vectors:
    """Return the left singular vectors of `columns`, the greatest, at most so many; by their inner products.

    That takes an eighth of the time of a QR decomposition, and loses nothing but what is too short to matter.
    """
    squares, turn = np.linalg.eigh((columns.T @ columns).astype(np.float64))
    kept = np.flatnonzero(squares > _TINY * squares.max(initial=0.0))[-most:]
    vectors: Vectors = columns @ (turn[:, kept] / np.sqrt(squares[kept])).astype(np.float32)
    return vectors
