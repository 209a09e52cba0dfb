"""Tokens, the runs of letters between white space, and what each tells by itself.

A language has few of them and repeats them: what a token tells is worked out once and remembered (token_table.py).
"""

import re

from framing.countries import countries_named
from framing.letters import Span, fold, source_span

# What a token is marked with: the countries it names (1, 2), and
ENDS = 4  # it ends a sentence
ABBREVIATED = 8  # it would, but for being an abbreviation
STOPS = 16  # it has the full stop of prose, abbreviations' included
QUOTES = 32  # it has a quotation mark
OPENS = 64  # it has an opening bracket
CLOSES = 128  # it ends with a closing bracket
COMPOUND = 256  # it has no word, or several
VOID = 512  # it folds to nothing

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


class Token:
    """A token as it stands in the source, `raw`; `folded` to one form of letters; its `words`; its `flags`."""

    __slots__ = ("_spans", "flags", "folded", "raw", "words")

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.folded = fold(raw)
        self.words = words_of(self.folded)
        self.flags = _flags(self.folded, self.words) if self.folded else VOID
        self._spans: tuple[Span, ...] = ()

    @property
    def spans(self) -> tuple[Span, ...]:
        """Where the token's letters stand in it, all of them and then word by word."""
        if not self._spans:
            found = [(0, len(self.folded)), *(word.span() for word in _WORD.finditer(self.folded))]
            self._spans = tuple(source_span(self.raw, *span) for span in found)
        return self._spans


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
