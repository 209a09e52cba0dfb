"""Text as the models see it: an item's own words in one form of letters, with the way back.

The prepared text has no furniture, signature or wire credit (furniture.py), one form of each letter
(letters.py), bounds of sentences and quotations. What an answer always needs is worked out at once; what only
evidence or a reader needs (the text, the way back to the source) when it is asked for.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, chain, count, pairwise
from operator import add

from framing.countries import BOTH, countries_named
from framing.furniture import strip_furniture
from framing.letters import Span
from framing.tokens import ABBREVIATED, COMPOUND, ENDS, QUOTES, TOKENS, VOID, Line, Token, split_lines

_TOKEN = re.compile(r"\S+")
_NEAR_WORDS = 3
_QUOTATION = re.compile(r"«[^«»\n]*»|“[^“”\n]*”|„[^„“”\n]*[“”]|\"[^\"\n]*\"")


class Sentence:
    """Tokens of a line from `begin` to before `end`.

    `size` is how many words they have, `countries` which countries they name, `near` whether they name both within a
    few words.
    """

    __slots__ = ("begin", "countries", "end", "line", "near", "size")

    def __init__(self, line: Line, begin: int, end: int, size: int, countries: int, near: bool) -> None:  # noqa: PLR0913, PLR0917  # made by the dozen for every article: keywords cost
        self.line = line
        self.begin = begin
        self.end = end
        self.size = size
        self.countries = countries
        self.near = near

    @property
    def tokens(self) -> list[str]:
        """The tokens as they stand in the source."""
        return self.line.tokens[self.begin : self.end]

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the tokens."""
        return tuple(chain.from_iterable([TOKENS[token].words for token in self.tokens]))

    @property
    def text(self) -> str:
        """The folded tokens with one space between them."""
        return " ".join([TOKENS[token].folded for token in self.tokens])

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
    def length(self) -> int:
        """The length of the prepared text."""
        return sum([line.length for line in self.lines]) + max(0, len(self.lines) - 1)

    @property
    def quotations(self) -> list[str]:
        """The quotations, with their marks."""
        texts = [_text_with_marks(line) for line in self.lines if line.flags & QUOTES]
        return [quotation for text in texts for quotation in _QUOTATION.findall(text)]

    def sentence_span(self, sentence: Sentence) -> Span:
        """Return where `sentence` stands in the source."""
        places, tokens = self._token_places(sentence.line), sentence.line.tokens
        first, last = sentence.begin, sentence.end - 1
        begin = places[first] + TOKENS[tokens[first]].spans[0].begin
        return Span(begin, places[last] + TOKENS[tokens[last]].spans[0].end)

    def phrase_span(self, sentence: Sentence, first: int, last: int) -> Span:
        """Return where the words of those numbers of `sentence`, and what is between them, stand in the source."""
        places, tokens = self._token_places(sentence.line), sentence.line.tokens
        place, word = _find_word(sentence, first)
        begin = places[place] + TOKENS[tokens[place]].spans[word].begin
        if last != first:
            place, word = _find_word(sentence, last)
        return Span(begin, places[place] + TOKENS[tokens[place]].spans[word].end)

    def _token_places(self, line: Line) -> list[int]:
        """Return where the tokens of `line` begin in the source."""
        places = self._places.get(line.number)
        if places is None:
            places = self._places[line.number] = self._find_tokens(line)
        return places

    def _find_tokens(self, line: Line) -> list[int]:
        text, begin = self._source_lines[line.number], self._line_places[line.number]
        ends = list(accumulate(map(len, line.tokens)))
        if ends[-1] + len(ends) - 1 == len(text.rstrip()):  # one white space between tokens: no need to look
            return [begin, *map(add, ends[:-1], count(begin + 1))]
        found = [begin + token.start() for token in _TOKEN.finditer(text) if not TOKENS[token.group()].flags & VOID]
        return found[line.skipped :]

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
        begin = extra = countries = 0  # first token of the sentence; its words less its tokens; whom it names
        named: list[tuple[int, int]] = []
        for place, token in line.marks:
            flags = token.flags
            if flags & BOTH:
                countries |= flags & BOTH
                if flags & COMPOUND:
                    named += _words_named(token, place + extra)
                else:
                    named.append((place + extra, flags & BOTH))
            if flags & COMPOUND:
                extra += len(token.words) - 1
            if flags & ENDS or (flags & ABBREVIATED and place == begin and (place or line is not lines[0])):
                near = countries == BOTH and _near(named)
                yield Sentence(line, begin, place + 1, place + 1 - begin + extra, countries, near)
                begin, extra, countries, named = place + 1, 0, 0, []
        if begin < len(line.tokens):
            end = len(line.tokens)
            yield Sentence(line, begin, end, end - begin + extra, countries, countries == BOTH and _near(named))


def _words_named(token: Token, place: int) -> list[tuple[int, int]]:
    """Return the places of the words of `token`, which begins at `place`, that name a country, and whom they name."""
    named = [(at, countries_named(word)) for at, word in enumerate(token.words, place)]
    return [(at, country) for at, country in named if country]


def _near(named: Sequence[tuple[int, int]]) -> bool:
    """Return whether both countries are named, each word and whom it names given in order, within a few words."""
    for (before, first), (after, second) in pairwise(named):
        if first | second == BOTH and after - before <= _NEAR_WORDS:
            return True
    return any(country == BOTH for _, country in named)


def _text_with_marks(line: Line) -> str:
    """Return the part of the line's text from its first token with a quotation mark to its last."""
    places = [place for place, token in line.marks if token.flags & QUOTES]
    return line.text_between(places[0], places[-1] + 1)


def _find_word(sentence: Sentence, number: int) -> tuple[int, int]:
    """Return the place in its line of the token with the word of that number, and the place of its span there."""
    place = sentence.begin + number  # if every token before it has one word
    for at, token in sentence.line.marks:
        if at > place:
            break
        if at >= sentence.begin and token.flags & COMPOUND:
            words = len(token.words)
            if place - at < words:
                return at, place - at + 1
            place -= words - 1
    return place, 1
