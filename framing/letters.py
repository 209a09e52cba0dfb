"""Letters brought to one form, for Arabic, English, Persian and Russian, with the way back.

`normalise` folds what readers of the four languages do not hear as a difference: Unicode
compatibility forms (NFKC: UAX #15), case, Arabic vowel marks and tatweel, the alef, yeh, kaf and heh
variants that tell an Arabic from a Persian keyboard, zero-width joiners, three families of digits, the
Russian ё and stress marks, typographic white space. Every result is a fixed point, so it is idempotent.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

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
_LINE = re.compile(r"[^\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_WORD = re.compile(r"\S+")
_CLUSTER = re.compile(r"(?s).[\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u200b-\u200f]*")
_MAX_ROUNDS = 8
_LONGEST_REMEMBERED = 64


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
    return _remembered_fold(word) if len(word) <= _LONGEST_REMEMBERED else _fold(word)


def _fold(word: str) -> str:
    for _ in range(_MAX_ROUNDS):
        folded = "".join(unicodedata.normalize("NFKC", word).lower().translate(_LETTERS).split())
        if folded == word:
            return word
        word = folded
    return word


_remembered_fold = lru_cache(maxsize=1 << 15)(_fold)


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of code points: begin inclusive, end exclusive."""

    begin: int
    end: int

    def of(self, text: str) -> str:
        """Return the part of `text` that the span covers."""
        return text[self.begin : self.end]


@dataclass(frozen=True, slots=True)
class Line:
    """The words of one line of a source, folded, each with where it stands in the source."""

    words: tuple[str, ...]
    begins: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def text(self) -> str:
        """The words with one space between them."""
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text in one form of letters, aligned word by word with the source it came from.

    `begins[i]` is where the i-th word begins in `text`; it stands at `source_begins[i]` to
    `source_ends[i]` of `source`. Words are runs without white space; between two of them `text` has one
    space, or one line feed where the source breaks the line.
    """

    source: str
    text: str
    begins: tuple[int, ...]
    source_begins: tuple[int, ...]
    source_ends: tuple[int, ...]

    def to_source(self, span: Span) -> Span:
        """Return the part of the source that `span` of the text came from, outer white space aside.

        An empty span, or one of white space only, gives an empty span.
        """
        begin, end = max(0, span.begin), min(span.end, len(self.text))
        while begin < end and self.text[begin].isspace():
            begin += 1
        while begin < end and self.text[end - 1].isspace():
            end -= 1
        if begin == end:
            return Span(0, 0)
        return Span(self._letter(begin).begin, self._letter(end - 1).end)

    def _letter(self, offset: int) -> Span:
        """Return the part of the source that the letter at `offset` of the text came from."""
        word = bisect_right(self.begins, offset) - 1
        inside = offset - self.begins[word]
        at = self.source_begins[word]
        for length, begin, end in _cluster_bounds(self.source[at : self.source_ends[word]]):
            if length > inside:
                return Span(at + begin, at + end)
        return Span(at, self.source_ends[word])


def split_lines(source: str) -> list[Line]:
    """Return the lines of `source` that have a word in them, folded."""
    lines = []
    for line in _LINE.finditer(source):
        found = [(fold(word.group()), *word.span()) for word in _WORD.finditer(source, *line.span())]
        kept = [word for word in found if word[0]]
        if kept:
            lines.append(Line(*zip(*kept, strict=True)))
    return lines


def join_lines(source: str, lines: list[Line]) -> Normalised:
    """Return the normalised text that consists of `lines`, which came from `source`."""
    begins = []
    offset = 0
    for line in lines:
        for word in line.words:
            begins.append(offset)
            offset += len(word) + 1
    return Normalised(
        source,
        "\n".join(line.text for line in lines),
        tuple(begins),
        tuple(begin for line in lines for begin in line.begins),
        tuple(end for line in lines for end in line.ends),
    )


def normalise(source: str) -> Normalised:
    """Return `source` in one form of letters. Total on any string, idempotent, linear in time."""
    return join_lines(source, split_lines(source))


def _cluster_bounds(word: str) -> Iterator[tuple[int, int, int]]:
    """Yield, for each letter of `word` with its marks, the folded length so far and its bounds in `word`.

    Where letters do not fold one by one (jamo, ligatures of other scripts), the word is one piece.
    """
    folded = [(fold(cluster.group()), *cluster.span()) for cluster in _CLUSTER.finditer(word)]
    if "".join(piece for piece, _, _ in folded) != fold(word):
        yield len(fold(word)), 0, len(word)
        return
    length = 0
    for piece, begin, end in folded:
        length += len(piece)
        if piece:
            yield length, begin, end
