"""Text as the models see it: an item's own words in one form of letters, with the way back.

The prepared text has no furniture, signature or wire credit (furniture.py), one form of each letter
(letters.py), bounds of sentences. What an answer always needs is worked out at once; what only
evidence or a reader needs (the text, the way back to the source) when it is asked for.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING

from framing import compiled
from framing.countries import BOTH, NEAR_WORDS, countries_named
from framing.furniture import strip_furniture
from framing.letters import Span
from framing.marks import ABBREVIATED, COMPOUND, ENDS, VOID
from framing.tokens import FLAGS, SPANS, TOKENS, Line, split_lines

_TOKEN = re.compile(r"\S+")


if TYPE_CHECKING or not compiled.COMPILED:

    class SentenceFields:
        """What a sentence is made of; see Sentence."""

        __slots__ = ("begin", "countries", "end", "line", "near", "size")

        def __init__(self, line: Line, begin: int, end: int, size: int, countries: int, near: bool) -> None:  # noqa: PLR0913, PLR0917  # made by the dozen for every article: keywords cost
            self.line = line
            self.begin = begin
            self.end = end
            self.size = size
            self.countries = countries
            self.near = near

else:
    SentenceFields = compiled.reading.SentenceFields


class Sentence(SentenceFields):
    """Tokens of a line from `begin` to before `end`.

    `size` is how many words they have, `countries` which countries they name, `near` whether they name both within a
    few words.
    """

    __slots__ = ()

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
        self.lines = lines
        self.credit = credit
        self.sentences = _sentences(lines)
        self._source = source
        self._places: dict[int, tuple[int, list[int]]] = {}

    @property
    def text(self) -> str:
        """The prepared text: tokens with one space between them, lines with one line feed."""
        return "\n".join([line.text for line in self.lines])

    def spans(self, sentence: Sentence, phrases: Iterable[tuple[int, int, float]]) -> list[Span]:
        """Return where `sentence` and each of `phrases` (first word, last word, what it adds) stand in the source."""
        if compiled.COMPILED:
            return compiled.reading.spans(sentence, phrases, SPANS, TOKENS, Span)
        line, tokens = sentence.line, sentence.line.tokens
        origin, places = self._places.get(line.number) or self._token_places(line)
        compound, first, last = line.flags & COMPOUND, sentence.begin, sentence.end - 1
        begin = places[first] + first + SPANS[tokens[first]][0][0]
        found = [Span(origin + begin, origin + places[last] + last + SPANS[tokens[last]][0][1])]
        for first, last, _ in phrases:
            place, word = _find_word(sentence, first) if compound else (sentence.begin + first, 1)
            offset = origin + places[place] + place
            begin, end = SPANS[tokens[place]][word]
            begin += offset
            if last != first:
                place, word = _find_word(sentence, last) if compound else (sentence.begin + last, 1)
                offset = origin + places[place] + place
                end = SPANS[tokens[place]][word][1]
            found.append(Span(begin, offset + end))
        return found

    def _token_places(self, line: Line) -> tuple[int, list[int]]:
        """Return where `line` begins in the source, and where in it each of its tokens begins, less its number."""
        text, begin, places = (
            self._texts[line.number],
            self._line_places[line.number],
            list(accumulate(map(len, line.tokens), initial=0)),
        )
        if places[-1] + len(line.tokens) - 1 != len(text.rstrip()):  # more than one white space between tokens
            found = [token.start() for token in _TOKEN.finditer(text) if not FLAGS[token.group()] & VOID]
            places = [place - number for number, place in enumerate(found[line.skipped :])]
        self._places[line.number] = begin, places
        return begin, places

    @cached_property
    def _texts(self) -> list[str]:
        return self._source.splitlines(keepends=True)

    @cached_property
    def _line_places(self) -> list[int]:
        return list(accumulate(map(len, self._texts), initial=0))


def prepare(source: str) -> PreparedText:
    """Return `source` as the models see it. Total on any string, idempotent, linear in time."""
    body = strip_furniture(split_lines(source))
    return PreparedText(source, body.lines, body.credit)


def _sentences(lines: Sequence[Line]) -> list[Sentence]:
    if compiled.COMPILED:
        return compiled.reading.sentences(lines, Sentence, TOKENS, _words_named)
    sentences: list[Sentence] = []
    for line in lines:
        begin = extra = countries = 0  # first token of the sentence; its words less its tokens; whom it names
        named: list[tuple[int, int]] = []
        for place, flags in line.marks:
            if flags & COMPOUND:
                words = TOKENS[line.tokens[place]].words
                if flags & BOTH:
                    countries |= flags & BOTH
                    named += _words_named(words, place + extra)
                extra += len(words) - 1
            elif flags & BOTH:
                countries |= flags & BOTH
                named.append((place + extra, flags & BOTH))
            if flags & ENDS or (flags & ABBREVIATED and place == begin and (place or line is not lines[0])):
                near = countries == BOTH and _near(named)
                sentences.append(Sentence(line, begin, place + 1, place + 1 - begin + extra, countries, near))
                begin, extra, countries, named = place + 1, 0, 0, []
        end = len(line.tokens)
        if begin < end:
            near = countries == BOTH and _near(named)
            sentences.append(Sentence(line, begin, end, end - begin + extra, countries, near))
    return sentences


def _words_named(words: Sequence[str], place: int) -> list[tuple[int, int]]:
    """Return the places of those of `words`, the first at `place`, that name a country, and whom they name."""
    named = [(at, countries_named(word)) for at, word in enumerate(words, place)]
    return [(at, country) for at, country in named if country]


def _near(named: Sequence[tuple[int, int]]) -> bool:
    """Return whether both countries are named, each word and whom it names given in order, within a few words."""
    for (before, first), (after, second) in pairwise(named):
        if first | second == BOTH and after - before <= NEAR_WORDS:
            return True
    return any(country == BOTH for _, country in named)


def _find_word(sentence: Sentence, number: int) -> tuple[int, int]:
    """Return the place in its line of the token with the word of that number, and the place of its span there."""
    line, place = sentence.line, sentence.begin + number  # if every token before it has one word
    for at, flags in line.marks:
        if at > place:
            break
        if at >= sentence.begin and flags & COMPOUND:
            words = len(TOKENS[line.tokens[at]].words)
            if place - at < words:
                return at, place - at + 1
            place -= words - 1
    return place, 1
