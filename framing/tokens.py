"""Tokens, the runs of letters between white space, each with what it tells by itself.

A language has few of them and repeats them: what a token tells is worked out once and remembered, so that
reading an article is one split, one look-up a token, and a walk over those few that are marked: that they end a
sentence, name a country, or may belong to a credit.
"""

import re
from itertools import chain, compress, count
from typing import TYPE_CHECKING, NamedTuple

from framing import compiled
from framing.countries import countries_named
from framing.letters import Span, fold, source_span
from framing.marks import ABBREVIATED, CLOSES, COMPOUND, ENDS, OPENS, STOPS, VOID, WHOLE
from framing.memo import LONGEST, MOST, Memo

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")
_SENTENCE_END = re.compile(r"[.!?؟…۔]+[\"'»”)\]]*\Z")
_PROSE_END = re.compile(r"[.!?؟…][\"'»”)\]]*\Z")
_ABBREVIATION = re.compile(
    r"[\s(«\"“](?:\w|[\w.]+\.\w|mr|mrs|ms|dr|gen|sen|rep|lt|col|adm|st|vs|no|inc|ltd|co|jan|feb|aug|sept?|oct|nov|dec"
    r"|им|г|гг|ул|др|пр|тыс|млн|млрд|руб|см|проф|акад|т|ст)\Z"
)
_LONGEST_ABBREVIATION = 8
_LETTERS = re.compile(r"[A-Za-zА-Яа-яЁё\u0621-\u063a\u0641-\u064aپچژکگی]+")  # each of which folds to one


class Token(NamedTuple):
    """A token: `folded` to one form of letters, its `words`, its `flags`."""

    folded: str
    words: tuple[str, ...]
    flags: int


def read_token(raw: str) -> Token:
    """Return what `raw` (no white space in it) tells."""
    folded = fold(raw)
    words = words_of(folded)
    return Token(folded, words, _flags(folded, words) if folded else VOID)


def _read_spans(raw: str) -> tuple[Span, ...]:
    folded = TOKENS[raw].folded
    found = [(0, len(folded)), *(word.span() for word in _WORD.finditer(folded))]
    return tuple(source_span(raw, *span) for span in found)


TOKENS: Memo[str, Token] = Memo(read_token)
FLAGS: Memo[str, int] = Memo(lambda raw: TOKENS[raw].flags)
SPANS: Memo[str, tuple[Span, ...]] = Memo(_read_spans)  # where its letters stand in it: all, and then word by word


def table_flags(raw: str) -> int:
    """Return the flags of `raw`, and WHOLE where that is quickly seen."""
    return TOKENS[raw].flags | WHOLE * (_LETTERS.fullmatch(raw) is not None)


if compiled.COMPILED:
    _TABLE = compiled.reading.TokenTable(table_flags, MOST, LONGEST)


def hold_tokens(most: int) -> None:
    """Remember at most `most` tokens: a whole corpus, gone through again and again, needs more than single articles."""
    TOKENS.hold(most)
    FLAGS.hold(most)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a folded text; every run of digits in them is one "0"."""
    return tuple(_WORD.findall(_NUMBER.sub("0", text)))


def _flags(folded: str, words: tuple[str, ...]) -> int:
    flags = _stop(folded)
    for word in words:
        flags |= countries_named(word)
    flags |= STOPS * bool(_PROSE_END.search(folded))
    flags |= OPENS * ("(" in folded)
    flags |= CLOSES * folded.rstrip(".,").endswith((")", "]", "/"))
    return flags | COMPOUND * (len(words) != 1)


def _stop(folded: str) -> int:
    """Return ENDS, ABBREVIATED or 0: what the full stop of a token says, if it has one."""
    end = _SENTENCE_END.search(folded)
    if not end or end.group() != ".":
        return ENDS if end else 0
    stem = folded[:-1]
    if _ABBREVIATION.search(stem[-_LONGEST_ABBREVIATION:]):
        return 0
    return ABBREVIATED if _ABBREVIATION.search((" " + stem)[-_LONGEST_ABBREVIATION:]) else ENDS


if TYPE_CHECKING or not compiled.COMPILED:

    class LineFields:
        """What a line is made of; see Line."""

        __slots__ = ("flags", "marks", "number", "skipped", "tokens")

        def __init__(self, tokens: list[str], number: int, skipped: int = 0) -> None:
            self.tokens = tokens
            self.number = number
            self.skipped = skipped
            self.marks: list[tuple[int, int]] = []
            self.flags = 0

        def cut(self, begin: int, end: int) -> "Line":
            """Return the line from token `begin` to token `end`."""
            return _marked([Line(self.tokens[begin:end], self.number, self.skipped + begin)])[0]

else:
    LineFields = compiled.reading.LineFields


class Line(LineFields):
    """One line of a source: its tokens as they stand there, and which of them are marked.

    `marks` are the places of the marked tokens with their flags, `flags` the union of those. It is the line of that
    `number` in the source, without its first `skipped` tokens.
    """

    __slots__ = ()

    @property
    def text(self) -> str:
        """The folded tokens with one space between them."""
        return " ".join([token.folded for token in map(TOKENS.__getitem__, self.tokens)])


def split_lines(source: str) -> list[Line]:
    """Return those of the lines of `source` that have a token, without tokens that fold to nothing."""
    if compiled.COMPILED:
        return _TABLE.split_lines(source, Line)
    texts = source.splitlines()
    lines = _marked([Line(tokens, number) for number, text in enumerate(texts) if (tokens := text.split())])
    if any(line.flags & VOID for line in lines):
        lines = [_without_void(line) if line.flags & VOID else line for line in lines]
        lines = [line for line in lines if line.tokens]
    return lines


def _without_void(line: Line) -> Line:
    return _marked([Line([token for token in line.tokens if not FLAGS[token] & VOID], line.number)])[0]


def _marked(lines: list[Line]) -> list[Line]:
    """Return `lines`, their marks found: of all lines at once, since what is done line by line costs twice."""
    flags = list(map(FLAGS.__getitem__, chain.from_iterable([line.tokens for line in lines])))
    rest, begin, end = iter(lines), 0, 0
    for place, marks in zip(compress(count(), flags), filter(None, flags), strict=True):
        while place >= end:
            line = next(rest)
            begin, end = end, end + len(line.tokens)
        line.marks.append((place - begin, marks))
        line.flags |= marks
    return lines
