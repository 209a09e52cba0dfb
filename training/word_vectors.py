"""Word embeddings: what words have in common that nobody here wrote; corpus/DATASHEET.md says where they are from."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

FILE = "word_vectors.npz"
_LIMIT = 3  # standard deviations of a dimension, beyond which numbers are cut
_LEVELS = np.linspace(-1, 1, 16, dtype=np.float32)  # what a code of 4 bits stands for, in limits
_PAIRS = np.stack([np.repeat(_LEVELS, 16), np.tile(_LEVELS, 16)], axis=1)  # by byte


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Vectors of words in D dimensions: `codes` (words, D / 2) of 4 bits, the even dimension in the high half.

    The codes 0 and 15 stand for `limits` (D,), below 0 and above, and what is beyond. `digest` is the file's SHA-256.
    """

    numbers: Mapping[str, int]
    codes: npt.NDArray[np.uint8]
    limits: Vectors
    digest: str

    def of(self, words: Sequence[str]) -> tuple[npt.NDArray[np.int64], Vectors]:
        """Return which of `words` have vectors, (K,), and these, (K, D)."""
        rows = np.array([self.numbers.get(word, -1) for word in words], dtype=np.int64)
        known = np.flatnonzero(rows >= 0)
        vectors = _PAIRS[self.codes[rows[known]]].reshape(len(known), len(self.limits))
        vectors *= self.limits
        return known, vectors


@cache
def bundled_vectors() -> WordVectors:
    """Return the vectors that are shipped, read once."""
    return read_vectors(resources.files("training.corpus").joinpath(FILE).read_bytes())


def read_vectors(data: bytes) -> WordVectors:
    """Return the vectors that a file of `packed_vectors` holds."""
    with np.load(io.BytesIO(data)) as arrays:
        words = arrays["words"].tobytes().decode("utf-8").split("\n")
        numbers = {word: row for row, word in enumerate(words)}
        return WordVectors(numbers, arrays["codes"], arrays["limits"], hashlib.sha256(data).hexdigest())


def packed_vectors(words: Sequence[str], vectors: Vectors) -> bytes:
    """Return the file of the `vectors` (words, D) of `words`, D even.

    A number is the nearest of 16 that go as far as three standard deviations of its dimension.
    """
    limits = _LIMIT * vectors.std(axis=0)
    steps = (len(_LEVELS) - 1) / 2
    codes = np.clip(np.rint(vectors / limits * steps + steps), 0, 2 * steps).astype(np.uint8)
    file = io.BytesIO()
    named = np.frombuffer("\n".join(words).encode("utf-8"), dtype=np.uint8)
    np.savez_compressed(file, codes=codes[:, ::2] << 4 | codes[:, 1::2], limits=limits.astype(np.float32), words=named)
    return file.getvalue()
