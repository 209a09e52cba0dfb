"""Vectors of words beside n-grams: what the topics' ridge reads besides, and how n-grams come to tell it.

An article is the sum of its words' vectors. What the ridge makes of a word's vector is then told by the n-grams that
the word is spelt with (distilled; Hinton, Vinyals and Dean 2015), so that a model in use needs no vectors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from framing.fields import FIELDS
from training.config import Topics
from training.conjugate_gradients import conjugate_gradients
from training.latent_semantics import latent_vectors
from training.ngram_counts import NgramCounts
from training.word_vectors import bundled_vectors

Matrix = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

_ALL = FIELDS.index("all")
_TOLERANCE = 2e-2  # of a residual beside its target
_TINY = 1e-12
_PENALTY = np.float32(1)  # of the squared weight of an n-gram, in squared errors of a word in one article


@dataclass(frozen=True, slots=True)
class Part:
    """The numbers of some `words` and their `vectors` (words, D)."""

    words: Indices
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class WordBlock:
    """Vectors of words in `parts`, and in how many articles each of all words stands, `spread` (all words,)."""

    parts: Sequence[Part]
    spread: Matrix

    def distilled(self, spelling: sparse.csr_matrix, weights: Matrix) -> Vectors:
        """Return the weights of n-grams, (n-grams, L), whose sums are nearest to what `weights` (D, L) make of words.

        `spelling` (all words, n-grams) is how often each word has each n-gram. The squared error of a word counts once
        for each article that it stands in; that of a word without a vector does not.
        """
        told = np.zeros((len(self.spread), weights.shape[1]), dtype=np.float32)
        known = np.zeros(len(self.spread), dtype=bool)
        ends = np.cumsum([part.vectors.shape[1] for part in self.parts])[:-1]
        for part, own in zip(self.parts, np.split(weights, ends), strict=True):
            told[part.words] += part.vectors @ own.astype(np.float32)
            known[part.words] = True
        words = np.flatnonzero(known)
        spelt = sparse.csr_matrix(spelling[words], dtype=np.float32)
        return _least_squares(spelt, told[words], self.spread[words].astype(np.float32))


def _least_squares(rows: sparse.csr_matrix, targets: Vectors, weights: Vectors) -> Vectors:
    """Return the coefficients (columns, L) of a ridge of `targets` (n, L) on `rows` (n, columns), weighted (n,).

    Conjugate gradients end before n-grams of few words are learnt by heart: that, too, keeps weights small.
    """
    back = sparse.csr_matrix(rows.T @ sparse.diags_array(weights))

    def system(vectors: Vectors) -> Vectors:
        return np.asarray(back @ (rows @ vectors) + _PENALTY * vectors)

    return conjugate_gradients(system, back @ targets, _TOLERANCE)


def word_block(settings: Topics, known: NgramCounts, read: NgramCounts, exponent: float) -> tuple[WordBlock, Vectors]:
    """Return the vectors that `settings` call for, and those of the articles that are `read`, (n, D).

    The words' inverse document frequencies and their latent semantics are learnt from what is `known`. Each part of the
    articles' vectors has a mean squared length of its share.
    """
    counts = known.words[_ALL]
    spread = np.bincount(counts.indices, minlength=counts.shape[1]).astype(np.float64)
    idf = np.log((1 + len(known)) / (1 + spread)) + 1
    lengths = sparse.diags_array(1 / read.norms(_ALL, exponent))
    words = sparse.csr_matrix(lengths @ read.words[_ALL], dtype=np.float32)
    parts, columns = [], []
    for share, part in _parts(settings, known, spread, idf):
        rows = words[:, part.words] @ part.vectors
        factor = np.sqrt(share / max(_TINY, (rows.astype(np.float64) ** 2).sum() / len(rows)))
        parts.append(Part(part.words, part.vectors * factor))
        columns.append(rows * factor)
    return WordBlock(parts, spread), np.hstack(columns)


def _parts(settings: Topics, known: NgramCounts, spread: Matrix, idf: Matrix) -> Iterator[tuple[float, Part]]:
    """Yield each part's share, and vectors of the words of what is `known`, those of one length times their `idf`."""
    if settings.vectors.share:
        words, vectors = bundled_vectors().of(known.names)
        seen = spread[words] > 0
        words = words[seen]
        yield settings.vectors.share, Part(words, vectors[seen] * _column(idf[words]))
    if settings.lsa.share:
        words = np.flatnonzero(spread > 1)
        counts = sparse.csr_matrix(known.words[_ALL][:, words])
        vectors = latent_vectors(counts, idf[words], settings.lsa.dimensions)
        yield settings.lsa.share, Part(words, vectors * _column(idf[words]))


def _column(values: Matrix) -> Vectors:
    return values.astype(np.float32)[:, None]
