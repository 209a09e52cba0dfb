"""Near-duplicates: items that carry the same report, found by MinHash over runs of three words.

Wire copies share little: an outlet writes its own headline, drops the end, rewrites every other sentence.
At a Jaccard similarity of 0.25, two texts of one length have 40 % of their runs in common: a report of
which another keeps the first half, or every other sentence, lies above it, and two reports of one event
that were written apart lie far below (under 0.05). tests/training/test_duplicates.py has them written
out. With 64 bands of 3 a pair is compared with a chance of 0.63 at 0.25, 0.83 at 0.3, 0.99 at 0.4; of
unrelated pairs (0.02) 1 in 2000 is (Broder 1997; Leskovec, Rajaraman and Ullman, section 3.4).
"""

import zlib
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
from datasketch import MinHash
from scipy.cluster.hierarchy import DisjointSet

from framing.article import Article
from framing.text import prepare
from framing.tokens import words_of
from training.folds import numbered

THRESHOLD = 0.25
SHINGLE_WORDS = 3
BANDS, ROWS = 64, 3

Signature = npt.NDArray[np.uint32]


def article_words(article: Article) -> list[str]:
    """Return the words of the prepared title and text."""
    return [word for part in (article.title, article.text) for word in words_of(prepare(part).text)]


def shingles(words: Sequence[str]) -> set[str]:
    """Return the runs of three words; all the words as one run if there are fewer, none if there is none."""
    if len(words) < SHINGLE_WORDS:
        return {" ".join(words)} - {""}
    return {" ".join(run) for run in zip(*(words[start:] for start in range(SHINGLE_WORDS)), strict=False)}


def duplicate_clusters(texts: Iterable[Sequence[str]]) -> list[int]:
    """Return a number for each text, given as its words: near-duplicates have the same one.

    A chain of near-duplicates is one cluster. Of a text only its signature is held, 768 bytes, so that texts can
    come from a stream.
    """
    empty = MinHash(num_perm=BANDS * ROWS, hashfunc=zlib.crc32)
    signatures: list[Signature] = []
    worded: list[int] = []
    for number, words in enumerate(texts):
        minhash = empty.copy()
        minhash.update_batch([run.encode("utf-8", "surrogatepass") for run in shingles(words)])
        signatures.append(minhash.hashvalues)
        if words:
            worded.append(number)
    clusters = DisjointSet(range(len(signatures)))
    for one, other in _candidates(np.array(worded), [signatures[number] for number in worded]):
        if np.count_nonzero(signatures[one] == signatures[other]) >= THRESHOLD * BANDS * ROWS:
            clusters.merge(one, other)
    return numbered(clusters)


def _candidates(numbers: npt.NDArray[np.int64], signatures: Sequence[Signature]) -> set[tuple[int, int]]:
    """Return the pairs of `numbers` whose `signatures` share a band: sorted by it they are neighbours.

    datasketch's own index gives the same, a dictionary entry a text and band, in five times the time.
    """
    pairs: set[tuple[int, int]] = set()
    for band in np.split(np.array(signatures).reshape(-1, BANDS * ROWS), BANDS, axis=1):
        order = np.lexsort(band.T)
        new = (np.diff(band[order].astype(np.int64), axis=0, prepend=-1) != 0).any(axis=1)
        begins = np.flatnonzero(new)
        ends = np.append(begins[1:], len(order))
        for begin, end in zip(*(bounds[ends - begins > 1].tolist() for bounds in (begins, ends)), strict=True):
            pairs.update(combinations(sorted(numbers[order[begin:end]].tolist()), 2))
    return pairs
