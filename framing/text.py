"""Text as the models see it: an item's own words in one form of letters, with the way back.

The prepared text has no furniture, signature or wire credit (furniture.py), one form of each letter
(letters.py), bounds of sentences and quotations. What an answer always needs is worked out at once; what only
evidence or a reader needs (the text, the way back to the source) when it is asked for.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, chain

from framing.countries import BOTH
from framing.furniture import strip_furniture
from framing.letters import Span
from framing.tokens import ABBREVIATED, COMPOUND, ENDS, QUOTES, TOKENS, Line, Token, split_lines

_TOKEN = re.compile(r"\S+")
_QUOTATION = re.compile(r"«[^«»\n]*»|“[^“”\n]*”|„[^„“”\n]*[“”]|\"[^\"\n]*\"")


class Sentence:
    """Tokens of a line from `begin` to before `end`: how many words they have, which countries they name."""

    __slots__ = ("begin", "countries", "end", "line", "size")

    def __init__(self, line: Line, begin: int, end: int, size: int, countries: int) -> None:
        self.line = line
        self.begin = begin
        self.end = end
        self.size = size
        self.countries = countries

    @property
    def tokens(self) -> list[Token]:
        """The tokens."""
        return self.line.tokens[self.begin : self.end]

    @property
    def marks(self) -> list[int]:
        """The places in the line of the tokens with flags."""
        marks = self.line.marks
        return marks[bisect_left(marks, self.begin) : bisect_left(marks, self.end)]

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the tokens."""
        return tuple(chain.from_iterable([token.words for token in self.tokens]))

    @property
    def text(self) -> str:
        """The folded tokens with one space between them."""
        return " ".join([token.folded for token in self.tokens])

    @property
    def names_both(self) -> bool:
        """Whether the sentence names both countries."""
        return self.countries == BOTH


class PreparedText:
    """What `prepare` returns. `sentences` cover the lines, in order; `credit` names the wire source, or is empty."""

    def __init__(self, source: str, lines: Sequence[Line], credit: str) -> None:
        self.source = source
        self.lines = lines
        self.credit = credit
        self.sentences = list(_sentences(lines))
        self._places: dict[int, list[int]] = {}

    @property
    def text(self) -> str:
        """The prepared text: tokens with one space between them, lines with one line feed."""
        return "\n".join([line.text for line in self.lines])

    @property
    def quotations(self) -> list[str]:
        """The quotations, with their marks."""
        texts = [line.text for line in self.lines if line.flags & QUOTES]
        return [quotation for text in texts for quotation in _QUOTATION.findall(text)]

    def sentence_span(self, sentence: Sentence) -> Span:
        """Return where `sentence` stands in the source."""
        begin, end = sentence.begin, sentence.end - 1
        places, tokens = self._token_places(sentence.line), sentence.line.tokens
        return Span(places[begin] + tokens[begin].spans[0].begin, places[end] + tokens[end].spans[0].end)

    def word_span(self, sentence: Sentence, number: int) -> Span:
        """Return where the word of that number of `sentence` stands in the source."""
        place, word = sentence.begin, number
        tokens = sentence.line.tokens
        while word >= len(tokens[place].words):
            word -= len(tokens[place].words)
            place += 1
        at, span = self._token_places(sentence.line)[place], tokens[place].spans[word + 1]
        return Span(at + span.begin, at + span.end)

    def _token_places(self, line: Line) -> list[int]:
        """Return where the tokens of `line` begin in the source."""
        places = self._places.get(line.number)
        if places is None:
            text, begin = self._source_lines[line.number], self._line_places[line.number]
            found = [begin + token.start() for token in _TOKEN.finditer(text) if TOKENS[token.group()]]
            places = self._places[line.number] = found[line.skipped : line.skipped + len(line.tokens)]
        return places

    @cached_property
    def _source_lines(self) -> list[str]:
        return self.source.splitlines(keepends=True)

    @cached_property
    def _line_places(self) -> list[int]:
        return list(accumulate(map(len, self._source_lines), initial=0))


def prepare(source: str) -> PreparedText:
    """Return `source` as the models see it. Total on any string, idempotent, linear in time."""
    body = strip_furniture(split_lines(source))
    return PreparedText(source, body.lines, body.credit)


def _sentences(lines: Sequence[Line]) -> Iterator[Sentence]:
    for line in lines:
        begin = extra = countries = 0
        tokens = line.tokens
        for place in line.marks:
            flags = tokens[place].flags
            countries |= flags & BOTH
            if flags & COMPOUND:
                extra += len(tokens[place].words) - 1
            if flags & ENDS or (flags & ABBREVIATED and place == begin and (place or line is not lines[0])):
                yield Sentence(line, begin, place + 1, place + 1 - begin + extra, countries)
                begin, extra, countries = place + 1, 0, 0
        if begin < len(tokens):
            yield Sentence(line, begin, len(tokens), len(tokens) - begin + extra, countries)
