"""N-grams of words of many texts, counted as integers: a longer one is a number made of two, and never a string."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Codes = npt.NDArray[np.int64]

_OUT = -1  # in place of an n-gram that does not count
_BUCKETS = 1 << 22


@dataclass(frozen=True, slots=True)
class Spread:
    """What an n-gram must be in: `least_texts` texts, and texts of `least_groups` of the `groups` if they are given."""

    least_texts: int = 1
    least_groups: int = 1
    groups: Sequence[str] | None = None

    @property
    def least(self) -> int:
        """How often an n-gram occurs at the least."""
        return max(self.least_texts, self.least_groups if self.groups is not None else 1)

    def enough(self, counts: sparse.csr_matrix) -> Codes:
        """Return the columns of `counts`, (texts, n-grams), that are spread enough, in rising order."""
        wide = np.bincount(counts.indices, minlength=counts.shape[1]) >= self.least_texts
        if self.groups is not None and self.least_groups > 1:
            names, members = np.unique(np.asarray(self.groups), return_inverse=True)
            cells = (np.ones(len(members), np.float32), (members, np.arange(len(members))))
            membership = sparse.csr_matrix(cells, shape=(len(names), len(members)))
            in_groups = (membership @ counts).tocsr()
            wide &= np.bincount(in_groups.indices, minlength=counts.shape[1]) >= self.least_groups
        return np.flatnonzero(wide)


class WordNgrams:
    """Counts n-grams of as many words as `sizes` say, each what `pattern` finds in the text in small letters.

    They are those of scikit-learn's CountVectorizer, in another order. A longer n-gram is in no more texts than its
    parts, so that each length is counted over what was spread enough of the one before.
    """

    def __init__(self, sizes: tuple[int, int], pattern: str) -> None:
        self.sizes = sizes
        self.pattern = pattern

    def fit_transform(self, texts: Sequence[str], spread: Spread) -> sparse.csr_matrix:
        """Choose the n-grams by `spread`, and return how often each is in each of `texts`, (n, n-grams)."""
        numbers: defaultdict[str, int] = defaultdict()
        numbers.default_factory = numbers.__len__
        words = self._read(texts, numbers.__getitem__)
        known, words, counts = _chosen(words, spread)
        names = list(numbers)
        self.words_ = {names[number]: column for column, number in enumerate(known.tolist())}
        self.longer_: list[Codes] = []
        blocks, grams = [counts], words
        for length in range(1, self.sizes[1]):
            known, grams, counts = _chosen(grams.followed_by(words, length, len(self.words_)), spread)
            self.longer_.append(known)
            blocks.append(counts)
        return sparse.hstack(blocks[self.sizes[0] - 1 :], format="csr")

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return how often each n-gram chosen is in each of `texts`, (n, n-grams)."""
        grams = words = self._read(texts, lambda word: self.words_.get(word, _OUT))
        blocks = [words.counts(len(self.words_))]
        for length, known in enumerate(self.longer_, start=1):
            grams = grams.followed_by(words, length, len(self.words_)).numbered(known)
            blocks.append(grams.counts(len(known)))
        return sparse.hstack(blocks[self.sizes[0] - 1 :], format="csr")

    def _read(self, texts: Sequence[str], number: Callable[[str], int]) -> "_Grams":
        words_of = re.compile(self.pattern).findall
        rows = [np.fromiter(map(number, words_of(text.lower())), np.int64) for text in texts]
        text = np.repeat(np.arange(len(rows), dtype=np.int32), [len(row) for row in rows])
        return _Grams(np.concatenate([np.empty(0, np.int64), *rows]), text, len(rows))


@dataclass(frozen=True, slots=True)
class _Grams:
    """N-grams as they follow in texts: the code of each, or _OUT, and the text that it begins in."""

    codes: Codes
    text: npt.NDArray[np.int32]
    texts: int

    def followed_by(self, words: "_Grams", length: int, width: int) -> "_Grams":
        """Return these n-grams of `length` words, each with the word after it, under codes that rise with the first."""
        codes = np.full(len(self.codes), _OUT)
        first, after = self.codes[:-length], words.codes[length:]
        whole = (first >= 0) & (after >= 0) & (self.text[:-length] == words.text[length:])
        codes[:-length][whole] = first[whole] * width + after[whole]
        return _Grams(codes, self.text, self.texts)

    def numbered(self, known: Codes) -> "_Grams":
        """Return the n-grams with their codes' places in `known`, which rises; the others are _OUT."""
        if not len(known):
            return _Grams(np.full(len(self.codes), _OUT), self.text, self.texts)
        places = np.minimum(np.searchsorted(known, self.codes), len(known) - 1)
        return _Grams(np.where(known[places] == self.codes, places, _OUT), self.text, self.texts)

    def frequent(self, least: int) -> "_Grams":
        """Return the n-grams without most of those that occur less often than `least`; none is lost that does not."""
        buckets = self.codes % _BUCKETS
        times = np.bincount(buckets[self.codes >= 0], minlength=_BUCKETS)
        return _Grams(np.where((self.codes >= 0) & (times[buckets] >= least), self.codes, _OUT), self.text, self.texts)

    def counts(self, width: int) -> sparse.csr_matrix:
        """Return how often each code is in each text, (texts, width)."""
        counted = self.codes >= 0
        ends = np.cumsum([0, *np.bincount(self.text[counted], minlength=self.texts)])
        codes = self.codes[counted].astype(np.int32)
        matrix = sparse.csr_matrix((np.ones(len(codes), np.float32), codes, ends), shape=(self.texts, width))
        matrix.sum_duplicates()
        return matrix


def _chosen(grams: _Grams, spread: Spread) -> tuple[Codes, _Grams, sparse.csr_matrix]:
    """Return the codes that are spread enough, the n-grams numbered by them, and their counts."""
    grams = grams.frequent(spread.least)
    found, times = np.unique(grams.codes[grams.codes >= 0], return_counts=True)
    found = found[times >= spread.least]
    numbered = grams.numbered(found)
    counts = numbered.counts(len(found))
    enough = spread.enough(counts)
    return found[enough], numbered.numbered(enough), counts[:, enough]
