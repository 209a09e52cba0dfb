"""Text as the models see it: an item's own words in one form of letters, with the way back.

The prepared text has no furniture, signature or wire credit (furniture.py), one form of each letter
(letters.py), bounds of sentences and quotations. What an answer always needs is worked out at once, for all tokens
together; what only evidence or a reader needs (the text, the way back to the source) when it is asked for.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from itertools import chain, pairwise

import numpy as np

from framing.countries import BOTH, countries_named
from framing.furniture import strip_furniture
from framing.letters import Span
from framing.lines import Line, lines_of
from framing.token_table import TOKENISER, Integers, Tokens
from framing.tokens import ABBREVIATED, COMPOUND, ENDS, QUOTES, Token

_NEAR_WORDS = 3
_TELLING = BOTH | ENDS | ABBREVIATED
_QUOTATION = re.compile(r"«[^«»\n]*»|“[^“”\n]*”|„[^„“”\n]*[“”]|\"[^\"\n]*\"")


class Sentence:
    """Tokens of a text from `begin` to before `end`.

    `size` is how many words they have, `countries` which countries they name, `near` whether they name both within a
    few words.
    """

    __slots__ = ("_tokens", "begin", "countries", "end", "near", "size")

    def __init__(self, tokens: Tokens, begin: int, end: int, size: int, countries: int, near: bool) -> None:  # noqa: PLR0913, PLR0917  # made by the dozen for every article: keywords cost
        self._tokens = tokens
        self.begin = begin
        self.end = end
        self.size = size
        self.countries = countries
        self.near = near

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the tokens."""
        return tuple(chain.from_iterable([token.words for token in self._tokens.between(self.begin, self.end)]))

    @property
    def text(self) -> str:
        """The folded tokens with one space between them."""
        return self._tokens.text_between(self.begin, self.end)

    @property
    def names_both(self) -> bool:
        """Whether the sentence names both countries."""
        return self.countries == BOTH


class PreparedText:
    """What `prepare` returns. `sentences` cover the lines, in order; `credit` names the wire source, or is empty."""

    def __init__(self, tokens: Tokens, lines: Sequence[Line], credit: str) -> None:
        self.tokens = tokens
        self.lines = lines
        self.credit = credit
        self.sentences = list(_sentences(tokens, lines))

    @property
    def text(self) -> str:
        """The prepared text: tokens with one space between them, lines with one line feed."""
        return "\n".join([line.text for line in self.lines])

    @property
    def length(self) -> int:
        """The length of the prepared text."""
        letters = self.tokens.table.lengths[self.kept].sum() if self.lines else 0
        return int(letters) + max(0, sum([line.size for line in self.lines]) - 1)

    @property
    def quotations(self) -> list[str]:
        """The quotations, with their marks."""
        lines = [line for line in self.lines if line.flags & QUOTES]
        marked = (self.tokens.flags & QUOTES).nonzero()[0].tolist() if lines else []
        texts = [_text_with_marks(line, marked) for line in lines]
        return [quotation for text in texts for quotation in _QUOTATION.findall(text)]

    @property
    def kept(self) -> Integers:
        """The numbers of the tokens of the lines, in their table."""
        numbers = [self.tokens.numbers[begin:end] for begin, end in _runs(self.lines)]
        return numbers[0] if len(numbers) == 1 else np.concatenate(numbers)

    def sentence_span(self, sentence: Sentence) -> Span:
        """Return where `sentence` stands in the source."""
        begins, first, last = self._begins, sentence.begin, sentence.end - 1
        begin = begins[first] + self.tokens.token(first).spans[0].begin
        return Span(begin, begins[last] + self.tokens.token(last).spans[0].end)

    def phrase_span(self, sentence: Sentence, first: int, last: int) -> Span:
        """Return where the words of those numbers of `sentence`, and what is between them, stand in the source."""
        span = self._word_span(sentence, first)
        return span if last == first else Span(span.begin, self._word_span(sentence, last).end)

    def _word_span(self, sentence: Sentence, number: int) -> Span:
        words = self.tokens.words_before
        word = words[sentence.begin] + number
        place = bisect_right(words, word) - 1  # tokens without a word come before the one with it
        begin, span = self._begins[place], self.tokens.token(place).spans[word - words[place] + 1]
        return Span(begin + span.begin, begin + span.end)

    @cached_property
    def _begins(self) -> list[int]:
        begins: list[int] = self.tokens.begins.tolist()
        return begins


def prepare(source: str) -> PreparedText:
    """Return `source` as the models see it. Total on any string, idempotent, linear in time."""
    return _prepared(source) if source else _nothing()


def _prepared(source: str) -> PreparedText:
    tokens = TOKENISER.split(source)
    body = strip_furniture(lines_of(tokens))
    return PreparedText(tokens, body.lines, body.credit)


@cache
def _nothing() -> PreparedText:
    return _prepared("")


def _runs(lines: Sequence[Line]) -> list[list[int]]:
    """Return from which token to before which the lines reach, as few runs as that takes."""
    runs = [[lines[0].begin, lines[0].end]]
    for line in lines[1:]:
        if line.begin == runs[-1][1]:
            runs[-1][1] = line.end
        else:
            runs.append([line.begin, line.end])
    return runs


def _sentences(tokens: Tokens, lines: Sequence[Line]) -> Iterator[Sentence]:
    marked = (tokens.flags & _TELLING).nonzero()[0]
    marks = list(zip(marked.tolist(), tokens.flags.take(marked).tolist(), strict=True))
    words, at = tokens.words_before, 0
    for line in lines:
        begin, countries = line.begin, 0
        named: list[tuple[int, int]] = []
        at = bisect_left(marks, (begin, 0), at)
        for place, flags in marks[at : bisect_left(marks, (line.end, 0), at)]:
            if flags & BOTH:
                countries |= flags & BOTH
                if flags & COMPOUND:
                    named += _named(tokens.token(place), words[place])
                else:
                    named.append((words[place], flags & BOTH))
            if flags & ENDS or (
                flags & ABBREVIATED and place == begin and (begin > line.begin or line is not lines[0])
            ):
                size, near = words[place + 1] - words[begin], countries == BOTH and _near(named)
                yield Sentence(tokens, begin, place + 1, size, countries, near)
                begin, countries, named = place + 1, 0, []
        if begin < line.end:
            size, near = words[line.end] - words[begin], countries == BOTH and _near(named)
            yield Sentence(tokens, begin, line.end, size, countries, near)


def _named(token: Token, place: int) -> list[tuple[int, int]]:
    """Return the places of the words of `token`, which begins at `place`, that name a country, and whom they name."""
    named = [(at, countries_named(word)) for at, word in enumerate(token.words, place)]
    return [(at, country) for at, country in named if country]


def _near(named: Sequence[tuple[int, int]]) -> bool:
    """Return whether both countries are named, each word and whom it names given in order, within a few words."""
    for (before, first), (after, second) in pairwise(named):
        if first | second == BOTH and after - before <= _NEAR_WORDS:
            return True
    return any(country == BOTH for _, country in named)


def _text_with_marks(line: Line, marked: Sequence[int]) -> str:
    """Return the text of the line from its first token with a quotation mark to its last; `marked` are all such."""
    first, last = bisect_left(marked, line.begin), bisect_left(marked, line.end) - 1
    return line.tokens.text_between(marked[first], marked[last] + 1)
