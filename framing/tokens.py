"""Tokens, the runs of letters between white space, each with what it tells by itself.

A language has few of them and repeats them: what a token tells is worked out once and remembered, so that
reading an article is one split, one look-up a token, and a walk over those few that are marked: that they end a
sentence, name a country, or may belong to a credit or a quotation.
"""

import re
from itertools import compress

from framing.countries import countries_named
from framing.letters import Span, fold, source_span
from framing.memo import Memo

# What a token is marked with: the countries it names (1, 2), and
ENDS = 4  # it ends a sentence
ABBREVIATED = 8  # it would, but for being an abbreviation
STOPS = 16  # it has the full stop of prose, abbreviations' included
QUOTES = 32  # it has a quotation mark
OPENS = 64  # it has an opening bracket
CLOSES = 128  # it ends with a closing bracket
COMPOUND = 256  # it has no word, or several
VOID = 512  # it folds to nothing
RESIZED = 1024  # its folded form is longer or shorter

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")
_SENTENCE_END = re.compile(r"[.!?؟…۔]+[\"'»”)\]]*\Z")
_PROSE_END = re.compile(r"[.!?؟…][\"'»”)\]]*\Z")
_QUOTATION_MARK = re.compile('[«»“”„"]')
_ABBREVIATION = re.compile(
    r"[\s(«\"“](?:\w|[\w.]+\.\w|mr|mrs|ms|dr|gen|sen|rep|lt|col|adm|st|vs|no|inc|ltd|co|jan|feb|aug|sept?|oct|nov|dec"
    r"|им|г|гг|ул|др|пр|тыс|млн|млрд|руб|см|проф|акад|т|ст)\Z"
)
_LONGEST_ABBREVIATION = 8


class Token(str):
    """A token as it stands in the source: `folded` to one form of letters, its `words`, its `flags`."""

    __slots__ = ("_spans", "flags", "folded", "length", "words")

    folded: str
    length: int
    words: tuple[str, ...]
    flags: int
    _spans: tuple[Span, ...]

    @property
    def spans(self) -> tuple[Span, ...]:
        """Where the token's letters stand in it, all of them and then word by word."""
        if not self._spans:
            found = [(0, len(self.folded)), *(word.span() for word in _WORD.finditer(self.folded))]
            self._spans = tuple(source_span(self, *span) for span in found)
        return self._spans


def read_token(raw: str) -> Token:
    """Return what `raw` (no white space in it) tells."""
    token = Token(raw)
    token.folded = fold(raw)
    token.length = len(token.folded)
    token.words = words_of(token.folded)
    token.flags = _flags(token.folded, token.words) if token.folded else VOID
    token.flags |= RESIZED * (token.length != len(raw))
    token._spans = ()
    return token


def _read_marked(raw: str) -> Token:
    """Return the token, or an empty one if it has no mark: that one is false, as `compress` wants it."""
    token = TOKENS[raw]
    return token if token.flags else Token()


TOKENS: Memo[str, Token] = Memo(read_token)
_MARKED: Memo[str, Token] = Memo(_read_marked)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a folded text; every run of digits in them is one "0"."""
    return tuple(_WORD.findall(_NUMBER.sub("0", text)))


def _flags(folded: str, words: tuple[str, ...]) -> int:
    flags = _stop(folded)
    for word in words:
        flags |= countries_named(word)
    flags |= STOPS * bool(_PROSE_END.search(folded))
    flags |= QUOTES * bool(_QUOTATION_MARK.search(folded))
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


class Line:
    """One line of a source: its tokens as they stand there, and which of them are marked.

    `marks` are the marked tokens with their places, `flags` the union of their flags. It is the line of that
    `number` in the source, without its first `skipped` tokens.
    """

    __slots__ = ("flags", "marks", "number", "skipped", "tokens")

    def __init__(self, tokens: list[str], number: int, skipped: int = 0) -> None:
        self.tokens = tokens
        self.number = number
        self.skipped = skipped
        marked = list(map(_MARKED.__getitem__, tokens))
        self.marks = list(compress(enumerate(marked), marked))
        self.flags = 0
        for _, token in self.marks:
            self.flags |= token.flags

    @property
    def text(self) -> str:
        """The folded tokens with one space between them."""
        return self.text_between(0, len(self.tokens))

    @property
    def length(self) -> int:
        """The length of the text."""
        length = sum(map(len, self.tokens)) + len(self.tokens) - 1
        if self.flags & RESIZED:
            length += sum([token.length - len(token) for _, token in self.marks])
        return length

    def text_between(self, begin: int, end: int) -> str:
        """Return the folded tokens from `begin` to before `end` with one space between them."""
        return " ".join([token.folded for token in map(TOKENS.__getitem__, self.tokens[begin:end])])

    def cut(self, begin: int, end: int) -> "Line":
        """Return the line from token `begin` to token `end`."""
        return Line(self.tokens[begin:end], self.number, self.skipped + begin)

    def without_void(self) -> "Line":
        """Return the line without the tokens that fold to nothing."""
        return Line([token for token in self.tokens if not TOKENS[token].flags & VOID], self.number)


def split_lines(source: str) -> list[Line]:
    """Return the lines of `source` that have a token, without those that fold to nothing."""
    lines = [Line(tokens, number) for number, text in enumerate(source.splitlines()) if (tokens := text.split())]
    if any(line.flags & VOID for line in lines):
        lines = [line.without_void() if line.flags & VOID else line for line in lines]
    return [line for line in lines if line.tokens]
