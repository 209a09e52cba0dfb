"""Exact fast scoring of linear classifiers over word and character n-grams.

A score is additive over words. Within a field of n words, an n-gram counts linearly and the field is
divided by n to a fixed power, so a word contributes one fixed vector: the sum over its own n-grams.
Vectors of words already met are remembered in a bounded table; an article is then one look-up a word
and one sum, and what each sentence and each word contributes is known exactly.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from framing.fields import FIELDS, FieldedArticle, Sentence

FloatArray = npt.NDArray[np.float64]

TABLE_WORDS = 1 << 15
_LONGEST_REMEMBERED = 64
_LONGEST_NGRAMMED = 40  # of a longer "word" (an address, a broken text) only the beginning is read


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearWeights:
    """Fitted classifiers as arrays. V n-grams, F fields, L labels (topics, then framings), S shape counts.

    A score is ``scale * (sum_f ngrams[:, f].T @ counts_f / n_f**exponent + shape.T @ s + intercept) + shift``.
    `sizes` are the lengths of the character n-grams within a padded word; `bigrams` says whether pairs of words count.
    """

    vocabulary: tuple[str, ...]
    ngrams: npt.NDArray[np.float32]  # (V, F, L)
    shape: FloatArray  # (S, L)
    intercept: FloatArray  # (L,)
    scale: FloatArray  # (L,)
    shift: FloatArray  # (L,)
    exponent: float
    sizes: tuple[int, int]
    bigrams: bool


@dataclass(frozen=True, slots=True)
class Scores:
    """What `Scorer.score` returns: `total` (L,), and what each sentence adds to it, `by_sentence` (N, L).

    `total - by_sentence.sum(axis=0)` is what no sentence has: intercept, calibration and shape counts.
    """

    total: FloatArray
    by_sentence: FloatArray


@lru_cache(maxsize=1 << 16)
def word_ngrams(word: str, sizes: tuple[int, int]) -> tuple[str, ...]:
    """Return the n-grams of `word` padded with spaces, of `sizes` (least, greatest), and the whole."""
    padded = f" {word[:_LONGEST_NGRAMMED]} "
    least, greatest = sizes
    grams = [padded[i : i + n] for n in range(least, greatest + 1) for i in range(len(padded) - n + 1)]
    return (*grams, padded) if len(padded) > greatest or len(padded) < least else tuple(grams)


def bigram(first: str, second: str) -> str:
    """Return the n-gram that stands for `first` followed by `second`."""
    return f" {first[:_LONGEST_NGRAMMED]} {second[:_LONGEST_NGRAMMED]} "


class _WordTable:
    """Rows of a matrix for words: first the fixed rows of bigrams, then words as they are met."""

    def __init__(self, fixed: FloatArray, capacity: int) -> None:
        self.rows: dict[str, int] = {}
        self.matrix = np.empty((len(fixed) + capacity, fixed.shape[1]))
        self.matrix[: len(fixed)] = fixed
        self.used = len(fixed)

    @property
    def free(self) -> int:
        return len(self.matrix) - self.used

    def add(self, word: str, vector: FloatArray) -> None:
        self.matrix[self.used] = vector
        self.rows[word] = self.used
        self.used += 1


class Scorer:
    """Scores fielded articles. Thread-safe; memory bounded by `table_words` remembered words."""

    def __init__(self, weights: LinearWeights, *, table_words: int = TABLE_WORDS) -> None:
        self.weights = weights
        labels = weights.ngrams.shape[2]
        self._labels = labels
        self._ngrams = weights.ngrams.reshape(len(weights.vocabulary), len(FIELDS) * labels).astype(np.float64)
        self._index = {gram: row for row, gram in enumerate(weights.vocabulary)}
        bigrams = [gram for gram in weights.vocabulary if " " in gram[1:-1]] if weights.bigrams else []
        self._bigram_rows = {tuple(gram[1:-1].split(" ")): row for row, gram in enumerate(bigrams, start=1)}
        rows = [self._index[gram] for gram in bigrams]
        self._fixed = np.vstack([np.zeros((1, self._ngrams.shape[1])), self._ngrams[rows]])
        self._table_words = table_words
        self._table = _WordTable(self._fixed, table_words)
        self._lock = threading.Lock()

    def knows(self, word: str) -> bool:
        """Return whether `word` as a whole was met in training."""
        return f" {word} " in self._index

    def score(self, article: FieldedArticle) -> Scores:
        """Return the score of every label for `article`, and what each sentence adds to it."""
        weights = self.weights
        sums = self._sentence_sums(article.sentences)
        by_sentence = np.zeros((len(sums), self._labels))
        for field, members in enumerate(article.members):
            if members:
                norm = field_norm([len(article.sentences[index].words) for index in members], weights.exponent)
                rows = list(members)
                by_sentence[rows] += sums[rows, field * self._labels : (field + 1) * self._labels] / norm
        by_sentence *= weights.scale
        outside = weights.scale * (np.asarray(article.shape) @ weights.shape + weights.intercept) + weights.shift
        return Scores(by_sentence.sum(axis=0) + outside, by_sentence)

    def word_contributions(self, article: FieldedArticle, sentence: int, label: int) -> FloatArray:
        """Return what each word of a sentence adds to the score of `label`; a pair's part is split evenly."""
        words = article.sentences[sentence].words
        table, single, pairs = self._rows([article.sentences[sentence]])
        values = np.zeros(len(words))
        for field, members in enumerate(article.members):
            if sentence in members:
                norm = field_norm([len(article.sentences[index].words) for index in members], self.weights.exponent)
                column = table.matrix[:, field * self._labels + label]
                values += column[single] / norm
                halves = column[pairs] / (2 * norm)
                values[:-1] += halves[: len(words) - 1]
                values[1:] += halves[: len(words) - 1]
        contributions: FloatArray = values * self.weights.scale[label]
        return contributions

    def _sentence_sums(self, sentences: Sequence[Sentence]) -> FloatArray:
        """Return the summed vectors of the words and pairs of each sentence, (N, F * L)."""
        table, single, pairs = self._rows(sentences)
        sums = np.zeros((len(sentences), self._ngrams.shape[1]))
        filled = [index for index, sentence in enumerate(sentences) if sentence.words]
        if not filled:
            return sums
        lengths = [len(sentences[index].words) for index in filled]
        starts = np.concatenate(([0], np.cumsum(lengths[:-1]))).astype(np.intp)
        sums[filled] = np.add.reduceat(table.matrix[single], starts) + np.add.reduceat(table.matrix[pairs], starts)
        return sums

    def _rows(self, sentences: Sequence[Sentence]) -> tuple[_WordTable, list[int], list[int]]:
        """Return a table with every word and, word by word, the rows of the words and of the pairs they begin."""
        table = self._table_with({word for sentence in sentences for word in sentence.words})
        single: list[int] = []
        pairs: list[int] = []
        for sentence in sentences:
            words = sentence.words
            single.extend(map(table.rows.__getitem__, words))
            pairs.extend(self._bigram_rows.get(pair, 0) for pair in pairwise(words))
            if words:
                pairs.append(0)
        return table, single, pairs

    def _table_with(self, words: set[str]) -> _WordTable:
        """Return a table that has `words`: the one in force, or a new one when that is full."""
        table = self._table
        if words <= table.rows.keys():
            return table
        with self._lock:
            missing = words - self._table.rows.keys()
            if len(missing) > self._table.free:
                self._table = _WordTable(self._fixed, self._table_words)
                missing = words
            table = self._table if len(missing) <= self._table.free else _WordTable(self._fixed, len(missing))
            for word in missing:
                table.add(word, self._vector(word))
        return table

    def _vector(self, word: str) -> FloatArray:
        index = self._index
        rows = [index[gram] for gram in word_ngrams(word, self.weights.sizes) if gram in index]
        vector: FloatArray = self._ngrams[rows].sum(axis=0)
        return vector


def field_norm(lengths: Sequence[int], exponent: float) -> float:
    """Return what a field with sentences of `lengths` words is divided by."""
    return float(max(1, sum(lengths)) ** exponent)
