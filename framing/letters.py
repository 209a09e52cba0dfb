"""Letters brought to one form, for Arabic, English, Persian and Russian, with the way back.

`normalise` folds what readers of the four languages do not hear as a difference: Unicode
compatibility forms (NFKC: UAX #15), case, Arabic vowel marks and tatweel, the alef, yeh, kaf and heh
variants that tell an Arabic from a Persian keyboard, zero-width joiners, three families of digits, the
Russian ё and stress marks, typographic white space. Every result is a fixed point, so it is idempotent.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from framing.memo import Memo

_SAME = {
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ٲ": "ا", "ٳ": "ا",
    "ي": "ی", "ى": "ی", "ئ": "ی", "ې": "ی", "ے": "ی",
    "ك": "ک", "ڪ": "ک", "ؤ": "و", "ة": "ه", "ۀ": "ه", "ۂ": "ه", "ە": "ه", "ہ": "ه", "ھ": "ه",
    "٪": "%", "٫": ".", "٬": ",", "ё": "е", "ı": "i",
    "\u2019": "'", "\u02bc": "'", "\u2018": "'", "\u02bf": "'", "\u2010": "-", "\u2011": "-",
}  # fmt: skip
_DROPPED_RANGES = (
    (0x0000, 0x0008), (0x000E, 0x001B), (0x007F, 0x0084), (0x0086, 0x009F),  # controls that are not white space
    (0x00AD, 0x00AD), (0x0300, 0x0301), (0x0307, 0x0307),  # soft hyphen; marks that composed with no letter
    (0x0610, 0x061A), (0x061C, 0x061C), (0x0640, 0x0640), (0x064B, 0x065F), (0x0670, 0x0670),
    (0x06D6, 0x06DC), (0x06DF, 0x06E8), (0x06EA, 0x06ED), (0x08D3, 0x08E1), (0x08E3, 0x08FF),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
)  # fmt: skip
_FIRST_DIGITS = (0x0660, 0x06F0)
_SURROGATES = range(0xD800, 0xE000)
_CLUSTER = re.compile(r"(?s).[\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200f]*")
_MAX_ROUNDS = 8


def _letters() -> dict[int, str]:
    table: dict[int, str] = {ord(variant): letter for variant, letter in _SAME.items()}
    for first, last in _DROPPED_RANGES:
        table.update(dict.fromkeys(range(first, last + 1), ""))
    for zero in _FIRST_DIGITS:
        table.update({zero + digit: str(digit) for digit in range(10)})
    table.update(dict.fromkeys(_SURROGATES, "\ufffd"))
    return table


_LETTERS = _letters()


def fold(word: str) -> str:
    """Return `word` (no white space in it) with every letter in its one form; a fixed point of itself."""
    for _ in range(_MAX_ROUNDS):
        folded = "".join(unicodedata.normalize("NFKC", word).lower().translate(_LETTERS).split())
        if folded == word:
            return word
        word = folded
    return word


_FOLDED = Memo(fold)


class Span(NamedTuple):
    """A half-open range of code points: begin inclusive, end exclusive."""

    begin: int
    end: int

    def of(self, text: str) -> str:
        """Return the part of `text` that the span covers."""
        return text[self.begin : self.end]


def normalise(source: str) -> str:
    """Return `source` in one form of letters. Total on any string, idempotent, linear in time.

    Between two words is one space, or one line feed where the source breaks the line.
    """
    lines = (" ".join(filter(None, map(_FOLDED.__getitem__, line.split()))) for line in source.splitlines())
    return "\n".join(filter(None, lines))


def source_span(word: str, begin: int, end: int) -> Span:
    """Return the part of `word` that the letters from `begin` to `end`, not empty, of its folded form came from."""
    bounds = list(_cluster_bounds(word))
    first = next(at for length, at, _ in bounds if length > begin)
    return Span(first, next(stop for length, _, stop in bounds if length >= end))


def _cluster_bounds(word: str) -> Iterator[tuple[int, int, int]]:
    """Yield, for each letter of `word` with its marks, the folded length so far and its bounds in `word`.

    Where letters do not fold one by one (jamo, ligatures of other scripts), the word is one piece.
    """
    whole = fold(word)
    folded = [(_FOLDED[cluster.group()], *cluster.span()) for cluster in _CLUSTER.finditer(word)]
    if "".join(piece for piece, _, _ in folded) != whole:
        yield len(whole), 0, len(word)
        return
    length = 0
    for piece, begin, end in folded:
        length += len(piece)
        if piece:
            yield length, begin, end
