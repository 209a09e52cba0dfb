"""An article as the classifiers read it: sentences of words, in fields, with the two countries marked.

Fields are overlapping groups of sentences that weigh differently (the codebook's rules 1 and 2):
``all`` of them, the ``head`` (headline and lead), and those that name both countries, the ``pair``.
"""

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from framing.article import Article, Part
from framing.letters import Span
from framing.text import PreparedText, prepare

FIELDS = ("all", "head", "pair")
SHAPE = (
    "pair_in_headline", "pair_in_head", "pair_in_item", "pair_share", "iran_share", "russia_share",
    "iran_in_item", "russia_in_item", "near_share", "near_in_head", "quoted_share", "length",
)  # fmt: skip

IRAN, RUSSIA, BOTH = 1, 2, 3
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")
_NEAR_WORDS = 3
_LONG_ITEM = 400


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence: the part of the article it stands in, its bounds in the prepared part, its words."""

    part: Part
    span: Span
    words: tuple[str, ...]
    countries: int

    @property
    def names_both(self) -> bool:
        """Whether the sentence names both countries."""
        return self.countries == BOTH


@dataclass(frozen=True, slots=True)
class FieldedArticle:
    """What `read_fields` returns. `members[f]` are the indices of the sentences in field f of FIELDS."""

    title: PreparedText
    text: PreparedText
    sentences: tuple[Sentence, ...]
    members: tuple[tuple[int, ...], ...]
    shape: tuple[float, ...]

    def prepared(self, part: Part) -> PreparedText:
        """Return the prepared title or text."""
        return self.title if part == "title" else self.text

    def word_spans(self, sentence: Sentence) -> list[Span]:
        """Return where the words of `sentence` stand in its prepared part."""
        text = self.prepared(sentence.part).text
        return [Span(*word.span()) for word in _WORD.finditer(text, sentence.span.begin, sentence.span.end)]


def read_fields(article: Article) -> FieldedArticle:
    """Return `article` prepared, split into sentences, words and fields."""
    title, text = prepare(article.title), prepare(article.text)
    headline = _sentences("title", title)
    sentences = headline + _sentences("text", text)
    head = tuple(range(min(len(sentences), max(1, len(headline)) + 1)))
    pair = tuple(index for index, sentence in enumerate(sentences) if sentence.names_both)
    shape = _shape(sentences, len(head), quoted_share=_quoted_share(title, text))
    return FieldedArticle(title, text, tuple(sentences), (tuple(range(len(sentences))), head, pair), shape)


@lru_cache(maxsize=1 << 15)
def countries_named(word: str) -> int:
    """Return which of the two countries `word` names: 0, IRAN, RUSSIA or BOTH."""
    iran, russia = _country_patterns()
    return (IRAN if iran.fullmatch(word) else 0) | (RUSSIA if russia.fullmatch(word) else 0)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a prepared text; every run of digits in them is one "0"."""
    if _NUMBER.search(text):
        return tuple(_NUMBER.sub("0", word) for word in _WORD.findall(text))
    return tuple(_WORD.findall(text))


def _sentences(part: Part, prepared: PreparedText) -> list[Sentence]:
    sentences = []
    for span in prepared.sentences:
        words = words_of(span.of(prepared.text))
        countries = 0
        for word in words:
            countries |= countries_named(word)
        sentences.append(Sentence(part, span, words, countries))
    return sentences


def _shape(sentences: Sequence[Sentence], head: int, *, quoted_share: float) -> tuple[float, ...]:
    named = [sentence.countries for sentence in sentences]
    near = [sentence.names_both and _named_near(sentence.words) for sentence in sentences]
    in_item = 0
    for countries in named:
        in_item |= countries
    count = max(1, len(named))
    words = sum(len(sentence.words) for sentence in sentences)
    return (
        float(named[:1] == [BOTH]),
        float(BOTH in named[:head]),
        float(in_item == BOTH),
        named.count(BOTH) / count,
        named.count(IRAN) / count,
        named.count(RUSSIA) / count,
        float(in_item & IRAN > 0),
        float(in_item & RUSSIA > 0),
        sum(near) / count,
        float(any(near[:head])),
        quoted_share,
        min(1.0, math.log1p(words) / math.log1p(_LONG_ITEM)),
    )


def _named_near(words: Sequence[str]) -> bool:
    """Return whether the names of the two countries stand within a few words of each other."""
    last = {IRAN: -len(words), RUSSIA: -len(words)}
    for index, word in enumerate(words):
        country = countries_named(word)
        if country == BOTH or (country and index - last[BOTH - country] <= _NEAR_WORDS):
            return True
        if country:
            last[country] = index
    return False


def _quoted_share(*parts: PreparedText) -> float:
    quoted = sum(span.end - span.begin for part in parts for span in part.quotations)
    return quoted / max(1, sum(len(part.text) for part in parts))


@cache
def _country_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    data = tomllib.loads(resources.files("framing").joinpath("countries.toml").read_text("utf-8"))
    prefixes = "|".join(data["prefixes"])
    return _names(data["iran"], prefixes), _names(data["russia"], prefixes)


def _names(country: Mapping[str, Sequence[str]], prefixes: str) -> re.Pattern[str]:
    stems = "|".join(country["stems"])
    words = "".join(f"|{word}" for word in country["words"])
    return re.compile(rf"(?:{prefixes})?(?:{stems})\w*{words}")
