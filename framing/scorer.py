"""Exact fast scoring of linear classifiers over word and character n-grams.

A score is additive over words. Within a field of n words, an n-gram counts linearly and the field is
divided by n to a fixed power, so a word contributes one fixed vector: the sum over its own n-grams.
The vectors of tokens already met are remembered, so that scoring an article is one look-up a token and one product of
matrices, and what each sentence and each word contributes is known exactly. n-grams are looked up only for
tokens met for the first time; their index is therefore made to be small rather than fast.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from framing import compiled
from framing.fields import FIELDS, FieldedArticle
from framing.language import SAMPLE_WORDS, SIGNS, word_signs
from framing.memo import MOST, Memo
from framing.tokens import TOKENS, Line

FloatArray = npt.NDArray[np.float64]

_LONGEST_NGRAMMED = 40  # of a longer "word" (an address, a broken text) only the beginning is read
_TOKENS_AT_ONCE = 256  # that are worked out: many more would need much memory
_QUICK_SHARE = 3  # of what is remembered, a third at most is found without a look into the dictionary: it is held twice
_FACTS = 1 + len(SIGNS)  # columns of a word beside its vector: whether it is known, its signs of languages


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


def word_ngrams(word: str, sizes: tuple[int, int]) -> tuple[str, ...]:
    """Return the n-grams of `word` padded with spaces, of `sizes` (least, greatest), and last the whole."""
    padded = f" {word[:_LONGEST_NGRAMMED]} "
    least, greatest = sizes
    grams = [padded[i : i + n] for n in range(least, greatest + 1) for i in range(len(padded) - n + 1)]
    return (*grams, padded) if len(padded) > greatest or len(padded) < least else tuple(grams)


def bigram(first: str, second: str) -> str:
    """Return the n-gram that stands for `first` followed by `second`."""
    return f" {first[:_LONGEST_NGRAMMED]} {second[:_LONGEST_NGRAMMED]} "


class NgramIndex:
    """From n-grams to their rows, by their hashes: 12 bytes an n-gram, where a dictionary takes 200.

    Python's hash has 64 bits: that an n-gram outside a vocabulary of 200,000 is taken for one in it has a chance of
    one in 10**14.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        hashes = np.fromiter(map(hash, vocabulary), np.int64, len(vocabulary))
        order = hashes.argsort()
        self._rows = np.append(order, order[-1:]).astype(np.int32)  # one place more, for what belongs behind the last
        self._hashes = hashes[self._rows]

    def find(self, ngrams: Sequence[str]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Return a row for each of `ngrams`, and whether it is that of the n-gram: whether the vocabulary has it."""
        wanted = np.fromiter(map(hash, ngrams), np.int64, len(ngrams))
        places = self._hashes[:-1].searchsorted(wanted)
        found: npt.NDArray[np.bool_] = self._hashes[places] == wanted
        return self._rows[places], found


class Scores(Protocol):
    """What `Scorer.score` returns for an article of `words` words in S sentences.

    `total` (L) are the scores, and `unplaced` (L) is what of them no sentence has: intercept, calibration and shape
    counts. `known` is how many words were met in training; `signs` what speaks for each language (language.SIGNS).
    """

    total: list[float]
    unplaced: list[float]
    words: int
    known: int
    signs: list[float]

    def by_sentence(self, label: int) -> list[float]:
        """Return what each sentence adds to a score, (S)."""

    def by_word(self, sentence: int, label: int) -> list[float]:
        """Return what each word of a sentence adds to a score. Of what a pair adds, half is with either word."""


class MatrixScores:
    """Scores by products of matrices.

    `rows` (words, F * L + facts) stand in the order of the sentences; those of pairs are with the words of the pair.
    """

    def __init__(self, article: FieldedArticle, rows: FloatArray, unplaced: FloatArray, exponent: float) -> None:
        labels = len(unplaced)
        self._ends = list(accumulate([sentence.size for sentence in article.sentences], initial=0))
        self.words = self._ends[-1]
        self._rows = rows[: self.words]
        self._shares = np.zeros((len(FIELDS) + 2, self.words))
        for row, members in zip(self._shares, article.members, strict=False):
            _spread(row, self._ends, members, exponent)
        self._shares[-2] = 1.0
        self._shares[-1, :SAMPLE_WORDS] = 1.0
        *fields, counts, signs = (self._shares @ self._rows).tolist()
        parts = [sums[field * labels : (field + 1) * labels] for field, sums in enumerate(fields)]
        self.unplaced: list[float] = unplaced.tolist()
        self.total: list[float] = list(map(sum, zip(self.unplaced, *parts, strict=True)))
        self.known = round(counts[-_FACTS])
        self.signs: list[float] = signs[1 - _FACTS :]

    def by_sentence(self, label: int) -> list[float]:
        """As `Scores.by_sentence`."""
        return self._by_sentence[label]

    @cached_property
    def _by_sentence(self) -> list[list[float]]:
        fields, labels = len(FIELDS), len(self.total)
        if not self.words:
            return [[0.0] * (len(self._ends) - 1)] * labels
        sums = _sums(self._rows[:, : fields * labels], self._ends).reshape(-1, fields, labels)
        shares = self._shares[:fields].take(self._ends[:-1], axis=1, mode="clip")  # of a sentence: as of its first word
        added: list[list[float]] = np.einsum("sfl,fs->ls", sums, shares).tolist()
        return added

    def by_word(self, sentence: int, label: int) -> list[float]:
        """As `Scores.by_word`."""
        fields, labels, (begin, end) = len(FIELDS), len(self.total), self._ends[sentence : sentence + 2]
        if begin == end:
            return []
        words: list[float] = (
            self._rows[begin:end, label : fields * labels : labels] @ self._shares[:fields, begin]
        ).tolist()
        return words


class Scorer:
    """Scores fielded articles. Thread-safe; memory bounded by `remembered` tokens."""

    def __init__(self, weights: LinearWeights, *, remembered: int = MOST) -> None:
        self._vectors = vectors = _Vectors(weights)
        self._bigrams = weights.bigrams
        self._exponent = weights.exponent
        self._shape = weights.shape * weights.scale
        self._base = weights.intercept * weights.scale + weights.shift
        self._rows = Memo(vectors.token_row, remembered)
        self._compiled = None
        if compiled.COMPILED and not self._bigrams:
            self._compiled = compiled.scoring.Scorer(
                self._rows,
                remembered // _QUICK_SHARE,
                self._shape,
                self._base,
                self._exponent,
                len(SIGNS),
                SAMPLE_WORDS,
            )
        self._pairs = Memo(vectors.pair_row, remembered if weights.bigrams else 0)

    def score(self, article: FieldedArticle) -> Scores:
        """Return the score of every label for `article`, and what it is made of."""
        lines = [*article.title.lines, *article.text.lines]
        if self._compiled:
            found = self._compiled.find(lines) or self._work_out(lines)
            return self._compiled.score(article.sentences, article.members, article.shape, found)
        unplaced: FloatArray = np.dot(article.shape, self._shape) + self._base
        rows = np.frombuffer(self._joined_rows(lines)).reshape(-1, self._vectors.width)
        if self._bigrams:
            rows = self._with_pairs(rows, article)
        return MatrixScores(article, rows, unplaced, self._exponent)

    def _joined_rows(self, lines: Sequence[Line]) -> bytes:
        """Return the rows of the words in `lines`."""
        try:
            return b"".join(map(self._rows.get, chain.from_iterable([line.tokens for line in lines])))  # type: ignore[arg-type]  # None is what is caught
        except TypeError:
            return b"".join(self._work_out(lines))

    def _work_out(self, lines: Sequence[Line]) -> list[bytes]:
        """Return the rows of each token in `lines`; those met for the first time are worked out together."""
        tokens = list(chain.from_iterable([line.tokens for line in lines]))
        missing, rows = self._rows.lacking(tokens), dict[str, bytes]()
        for begin in range(0, len(missing), _TOKENS_AT_ONCE):
            rows.update(self._vectors.token_rows(missing[begin : begin + _TOKENS_AT_ONCE]))
        for token, row in rows.items():
            self._rows.remember(token, row)
        return [rows[token] if token in rows else self._rows[token] for token in tokens]

    def _with_pairs(self, rows: FloatArray, article: FieldedArticle) -> FloatArray:
        """Return `rows` with half of every pair's vector added to either word of it."""
        pairs = [bigram(*pair) for sentence in article.sentences for pair in pairwise((*sentence.words, ""))]
        halves = np.frombuffer(b"".join(map(self._pairs.__getitem__, pairs))).reshape(rows.shape) / 2
        return rows + halves + np.roll(halves, 1, axis=0)


class _Vectors:
    """Works out what the memos of a Scorer remember. It knows nothing of them: a cycle would outlive the model."""

    def __init__(self, weights: LinearWeights) -> None:
        self._sizes = weights.sizes
        self._ngrams = weights.ngrams.reshape(len(weights.vocabulary), -1)
        self._scale = np.tile(weights.scale, len(FIELDS))
        self._index = NgramIndex(weights.vocabulary)
        self.width = self._ngrams.shape[1] + _FACTS

    def token_row(self, token: str) -> bytes:
        """Return the rows of the words of `token`, one after the other."""
        return self.token_rows([token])[token]

    def token_rows(self, tokens: Sequence[str]) -> dict[str, bytes]:
        """Return the rows of the words of each of `tokens`, one after the other."""
        words = [TOKENS[token].words for token in tokens]
        flat = list(chain.from_iterable(words))
        rows = self._word_rows(flat) if flat else np.zeros((0, self.width))
        bounds = pairwise(accumulate(map(len, words), initial=0))
        return {token: rows[begin:end].tobytes() for token, (begin, end) in zip(tokens, bounds, strict=True)}

    def _word_rows(self, words: Sequence[str]) -> FloatArray:
        """Return the row of each of `words`: vector, whether it is known, signs of languages."""
        ngrams = [word_ngrams(word, self._sizes) for word in words]
        sums, known = self._sums(list(chain.from_iterable(ngrams)), list(accumulate(map(len, ngrams), initial=0)))
        rows = np.empty((len(words), self.width))
        rows[:, :-_FACTS] = sums
        rows[:, -_FACTS] = known & [len(word) <= _LONGEST_NGRAMMED for word in words]
        rows[:, 1 - _FACTS :] = list(map(word_signs, words))
        return rows

    def pair_row(self, pair: str) -> bytes:
        """Return the row of a pair of words: vector, and no facts."""
        return array("d", [*self._sums([pair], [0, 1])[0][0].tolist(), *[0] * _FACTS]).tobytes()

    def _sums(self, ngrams: Sequence[str], ends: Sequence[int]) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Return the scaled sums, (W, F * L), of the rows of W words' n-grams, and whether the last of each is known.

        Those of word i are the `ngrams` from `ends[i]` to before `ends[i + 1]`, 1 or more.
        """
        rows, known = self._index.find(ngrams)
        picked = self._ngrams.take(rows, axis=0)
        picked[~known] = 0.0
        sums: FloatArray = np.add.reduceat(picked, ends[:-1], dtype=np.float64) * self._scale
        return sums, known[np.array(ends[1:]) - 1]


def field_norm(words: int, exponent: float) -> float:
    """Return what a field of so many `words` is divided by."""
    return float(max(1, words) ** exponent)


def _spread(row: FloatArray, ends: Sequence[int], field: Sequence[int], exponent: float) -> None:
    """Write into `row` (N) what the words of the sentences in `field` are multiplied by in it."""
    runs = [field] if isinstance(field, range) else [range(index, index + 1) for index in field]
    places = [(ends[run.start], ends[run.stop]) for run in runs if run]
    share = 1 / field_norm(sum([end - begin for begin, end in places]), exponent)
    for begin, end in places:
        row[begin:end] = share


def _sums(rows: FloatArray, ends: Sequence[int]) -> FloatArray:
    """Return the sum of the rows of each sentence; `ends` are where sentences begin, and the end."""
    if len(set(ends)) == len(ends) > 1:  # no sentence is without words
        return np.add.reduceat(rows, ends[:-1])
    sums = np.zeros((len(ends) - 1, rows.shape[1]))
    begins = [begin for begin, end in pairwise(ends) if end > begin]
    if begins:
        sums[np.diff(ends) > 0] = np.add.reduceat(rows, begins)
    return sums
