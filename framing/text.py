"""Text as the models see it: an item's own words in one form of letters, with the way back.

The prepared text has no furniture, signature or wire credit (furniture.py), one form of each letter
(letters.py), bounds of sentences. What an answer always needs is worked out at once; what only
evidence or a reader needs (the text, the way back to the source) when it is asked for.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate, chain, pairwise

from framing.countries import BOTH, countries_named
from framing.furniture import strip_furniture
from framing.letters import Span
from framing.tokens import ABBREVIATED, COMPOUND, ENDS, FLAGS, SPANS, TOKENS, VOID, Line, split_lines

_TOKEN = re.compile(r"\S+")
_NEAR_WORDS = 3


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

    def __init__(self, texts: Sequence[str], lines: Sequence[Line], credit: str) -> None:
        self.lines = lines
        self.credit = credit
        self.sentences = _sentences(lines)
        self._texts = texts
        self._places: dict[int, tuple[int, list[int]]] = {}

    @property
    def text(self) -> str:
        """The prepared text: tokens with one space between them, lines with one line feed."""
        return "\n".join([line.text for line in self.lines])

    def spans(self, sentence: Sentence, phrases: Iterable[tuple[int, int, float]]) -> list[Span]:
        """Return where `sentence` and each of `phrases` (first word, last word, what it adds) stand in the source."""
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
        text, begin, places = self._texts[line.number], self._line_places[line.number], line.ends
        if places[-1] + len(line.tokens) - 1 != len(text.rstrip()):  # more than one white space between tokens
            found = [token.start() for token in _TOKEN.finditer(text) if not FLAGS[token.group()] & VOID]
            places = [place - number for number, place in enumerate(found[line.skipped :])]
        self._places[line.number] = begin, places
        return begin, places

    @cached_property
    def _line_places(self) -> list[int]:
        return list(accumulate(map(len, self._texts), initial=0))


def prepare(source: str) -> PreparedText:
    """Return `source` as the models see it. Total on any string, idempotent, linear in time."""
    texts = source.splitlines(keepends=True)
    body = strip_furniture(split_lines(texts))
    return PreparedText(texts, body.lines, body.credit)


def _sentences(lines: Sequence[Line]) -> list[Sentence]:
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
        if first | second == BOTH and after - before <= _NEAR_WORDS:
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
