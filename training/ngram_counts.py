"""N-grams of articles, counted once and before any vocabulary is chosen, so that folds only take rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from framing.fields import FIELDS, SHAPE, FieldedArticle
from framing.scorer import bigram, word_ngrams

Matrix = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
_ADDED = tuple(field != "head" for field in FIELDS)  # of two articles joined, the head is the first one's


@dataclass(frozen=True, slots=True)
class NgramCounts:
    """Counts of n articles: `words[f]` (n, words and pairs), `lengths` (n, F) in words, `shape` (n, S).

    `spelling` (words and pairs, n-grams) is how often each word or pair has each n-gram: ``words[f] @ spelling`` are
    the counts of n-grams. `columns` are the n-grams of these articles and of those they were counted with, in order of
    appearance.
    """

    columns: Mapping[str, int]
    words: tuple[sparse.csr_matrix, ...]
    spelling: sparse.csr_matrix
    lengths: Matrix
    shape: Matrix
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.lengths)

    def at(self, rows: Rows) -> Self:
        """Return the counts of some of the articles."""
        words = tuple(field[rows] for field in self.words)
        return replace(self, words=words, lengths=self.lengths[rows], shape=self.shape[rows])

    def joined(self, first: Rows, second: Rows, shape: Matrix) -> Self:
        """Return the counts of articles that are each two of these, one after the other, of the given `shape`."""
        pairs = zip(self.words, _ADDED, strict=True)
        words = tuple(field[first] + field[second] if added else field[first] for field, added in pairs)
        return replace(self, words=words, lengths=self.lengths[first] + self.lengths[second] * _ADDED, shape=shape)

    def followed_by(self, others: Self) -> Self:
        """Return these counts and then `others`, which were counted with them."""
        words = tuple(sparse.vstack(pair, format="csr") for pair in zip(self.words, others.words, strict=True))
        lengths, shape = np.vstack([self.lengths, others.lengths]), np.vstack([self.shape, others.shape])
        return replace(self, words=words, lengths=lengths, shape=shape)

    def spread(self) -> Rows:
        """Return in how many of the articles each n-gram stands, (n-grams,)."""
        counts = self.words[FIELDS.index("all")] @ self.spelling
        return np.bincount(counts.indices, minlength=len(self.columns))

    def norms(self, field: int, exponent: float) -> Matrix:
        """Return what each article's counts in `field` are divided by, as framing.scorer.field_norm has it."""
        norms: Matrix = np.maximum(1, self.lengths[:, field]) ** exponent
        return norms


def count_ngrams(articles: Sequence[FieldedArticle], sizes: tuple[int, int], *, bigrams: bool) -> NgramCounts:
    """Return the counts of whole words, of characters within them and, with `bigrams`, of pairs of words."""
    words, columns = _Numbers(), _Numbers()
    counts = _word_counts(articles, words, bigrams)
    spelling = _spelling(words, columns, sizes)
    shape = np.array([article.shape for article in articles], dtype=np.float64).reshape(len(articles), len(SHAPE))
    return NgramCounts(dict(columns), counts, spelling, _lengths(articles), shape, tuple(words))


class _Numbers(dict[str, int]):
    """Numbers for strings, in the order in which they are first asked for."""

    def __missing__(self, key: str) -> int:
        return self.setdefault(key, len(self))


def _lengths(articles: Sequence[FieldedArticle]) -> Matrix:
    lengths = [
        [sum(article.sentences[index].size for index in members) for members in article.members] for article in articles
    ]
    return np.array(lengths, dtype=np.float64).reshape(len(articles), len(FIELDS))


def _word_counts(articles: Sequence[FieldedArticle], words: _Numbers, bigrams: bool) -> tuple[sparse.csr_matrix, ...]:
    """Return how often each word and pair stands in the fields of each article; new ones are added to `words`."""
    columns: list[list[int]] = [[] for _ in FIELDS]
    ends = [[0] for _ in FIELDS]
    for article in articles:
        sentences = [_word_numbers(sentence.words, words, bigrams) for sentence in article.sentences]
        for members, own, end in zip(article.members, columns, ends, strict=True):
            own.extend(chain.from_iterable(sentences[index] for index in members))
            end.append(len(own))
    return tuple(_counted(own, end, len(words)) for own, end in zip(columns, ends, strict=True))


def _word_numbers(sentence: Sequence[str], words: _Numbers, bigrams: bool) -> list[int]:
    numbers = [words[word] for word in sentence]
    if bigrams:
        numbers.extend(words[bigram(*pair)] for pair in pairwise(sentence))
    return numbers


def _spelling(words: Iterable[str], grams: _Numbers, sizes: tuple[int, int]) -> sparse.csr_matrix:
    """Return which n-grams each word or pair has, and how often, (words, n-grams); new ones are added to `grams`."""
    columns: list[int] = []
    ends = [0]
    for word in words:
        columns.extend(grams[gram] for gram in ((word,) if " " in word else word_ngrams(word, sizes)))
        ends.append(len(columns))
    return _counted(columns, ends, len(grams))


def _counted(columns: Sequence[int], ends: Sequence[int], width: int) -> sparse.csr_matrix:
    data, indices = np.ones(len(columns)), np.array(columns, dtype=np.int64)
    matrix = sparse.csr_matrix((data, indices, ends), shape=(len(ends) - 1, width))
    matrix.sum_duplicates()
    return matrix
