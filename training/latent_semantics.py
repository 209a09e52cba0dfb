"""Latent semantic analysis (Deerwester et al. 1990): words that stand in the same articles get like vectors."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

Vectors = npt.NDArray[np.float32]

_BLOCK, _STEPS = 32, 16
_ROUNDING = 1e-9  # of the greatest square: what is less is no more than that
_TINY = 1e-6


def latent_vectors(counts: sparse.csr_matrix, idf: npt.NDArray[np.float64], dimensions: int) -> Vectors:
    """Return vectors of length 1 for the words that `counts` (articles, words) has in its columns, (words, D).

    Log counts are weighted by `idf` (words,). D is `dimensions`, or as many as there are articles or words. The
    greatest singular vectors are the best there are in a block Krylov space (Musco and Musco 2015, algorithm 2); which
    axes their space gets does not matter to a ridge.
    """
    data = (np.log1p(counts.data) * idf[counts.indices]).astype(np.float32)
    weighted = sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)
    back = weighted.T.tocsr()
    basis, image = _krylov(weighted, back)
    squares, turn = np.linalg.eigh((basis.T @ image).astype(np.float64))
    kept = np.flatnonzero(squares > _TINY * squares.max(initial=0.0))[-dimensions:]
    vectors = back @ (basis @ (turn[:, kept] / np.sqrt(squares[kept])).astype(np.float32))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit


def _krylov(rows: sparse.csr_matrix, back: sparse.csr_matrix) -> tuple[Vectors, Vectors]:
    """Return an orthonormal basis (n, K) of some noise, its image under ``rows @ back``, the image of that, and so on.

    And then the image of that basis. Noise of few columns taken far holds more of the greatest singular vectors than
    of many taken less far, at the same cost (Tropp and Webber 2023, section 5).
    """
    block = np.random.default_rng(0).standard_normal((rows.shape[0], min(_BLOCK, *rows.shape)), dtype=np.float32)
    blocks: list[Vectors] = []
    images: list[Vectors] = []
    for _ in range(_STEPS):
        blocks.append(_orthonormal(block, blocks))
        block = rows @ (back @ blocks[-1])
        images.append(block)
    return np.hstack(blocks), np.hstack(images)


def _orthonormal(block: Vectors, others: Sequence[Vectors]) -> Vectors:
    """Return an orthonormal basis of what `block` has that the orthonormal `others` have not, without mere rounding.

    Twice is enough (Giraud, Langou and Rozloznik 2005). By inner products: a QR decomposition takes much longer.
    """
    before = float((block**2).sum(axis=0).max(initial=0.0))
    for size in (before, 1.0):
        for other in others:
            block = block - other @ (other.T @ block)
        squares, turn = np.linalg.eigh((block.T @ block).astype(np.float64))
        kept = np.flatnonzero(squares > _ROUNDING * size)
        block = block @ (turn[:, kept] / np.sqrt(squares[kept])).astype(np.float32)
    return block
