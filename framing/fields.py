"""An article as the classifiers read it: sentences of words, in fields, with the two countries marked.

Fields are overlapping groups of sentences that weigh differently (the codebook's rules 1 and 2):
``all`` of them, the ``head`` (headline and lead), and those that name both countries, the ``pair``.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from framing import compiled
from framing.article import Article, Part
from framing.countries import BOTH, IRAN, RUSSIA
from framing.text import PreparedText, Sentence, prepare

FIELDS = ("all", "head", "pair")
SHAPE = (
    "pair_in_headline", "pair_in_head", "pair_in_item", "pair_share", "iran_share", "russia_share",
    "iran_in_item", "russia_in_item", "near_share", "near_in_head", "length",
)  # fmt: skip

_LONG_ITEM = 400
_NO_TITLE = PreparedText("", (), "")


class FieldedArticle(NamedTuple):
    """What `read_fields` returns: title and text prepared, their sentences in one row.

    `members[f]` are the indices of the sentences in field f of FIELDS; `shape` the counts of SHAPE.
    """

    title: PreparedText
    text: PreparedText
    sentences: Sequence[Sentence]
    members: tuple[Sequence[int], ...]
    shape: tuple[float, ...]

    def part(self, index: int) -> Part:
        """Return in which part of the article the sentence of that index stands."""
        return "title" if index < len(self.title.sentences) else "text"

    def prepared(self, index: int) -> PreparedText:
        """Return the part of the article in which the sentence of that index stands."""
        return self.title if index < len(self.title.sentences) else self.text


def read_fields(article: Article) -> FieldedArticle:
    """Return `article` prepared, split into sentences, words and fields."""
    title, text = prepare(article.title) if article.title else _NO_TITLE, prepare(article.text)
    sentences = [*title.sentences, *text.sentences]
    head = min(len(sentences), max(1, len(title.sentences)) + 1)
    pair = [index for index, sentence in enumerate(sentences) if sentence.countries == BOTH]
    shape = shape_of(sentences, head)
    return FieldedArticle(title, text, sentences, (range(len(sentences)), range(head), pair), shape)


def shape_of(sentences: Sequence[Sentence], head: int) -> tuple[float, ...]:
    """Return the shape counts of an article: of its sentences, of which the first `head` are headline and lead."""
    if compiled.COMPILED:
        return compiled.reading.shape_of(sentences, head, _LONG_ITEM)
    named = [sentence.countries for sentence in sentences]
    near = [sentence.near for sentence in sentences]
    in_item = (IRAN if IRAN in named else 0) | (RUSSIA if RUSSIA in named else 0) | (BOTH if BOTH in named else 0)
    count = max(1, len(named))
    words = sum([sentence.size for sentence in sentences])
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
        min(1.0, math.log1p(words) / math.log1p(_LONG_ITEM)),
    )
