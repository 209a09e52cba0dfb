"""Articles joined from two, so that topics are learnt as the codebook has them: by share, not by mixture.

A long report may be about a visit and, for a fifth of its length, about a war. Written items of that kind are few,
and a linear classifier that has met few takes words of one topic for a sign against the others. Two
items of different stories, one after the other, have the topics of both. Only topics are learnt from them.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from framing.fields import FIELDS, SHAPE, FieldedArticle, shape_of
from training.data import LabelledItem

LEAST_WORDS = 60  # of the first item
MOST_WORDS = 450
SHARES = (0.2, 0.6)  # of the second item: about a fifth is the least that the codebook counts
_TRIES = 100
_HEAD = FIELDS.index("head")

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Joined:
    """Joined articles: the rows of the first and of the second item of each, the topics of both, (m, T), the shape."""

    first: Rows
    second: Rows
    topics: Rows
    shape: npt.NDArray[np.float64]


def join_articles(
    items: Sequence[LabelledItem], articles: Sequence[FieldedArticle], topics: Rows, count: int, seed: int
) -> Joined:
    """Return `count` joined articles, fewer where few pairs fit."""
    read = articles if count else []
    lengths = [sum(sentence.size for sentence in article.sentences) for article in read]
    pairs = list(_pairs(items, lengths, count, random.Random(seed)))  # noqa: S311  # no secret
    first, second = np.array(pairs, dtype=np.int64).reshape(len(pairs), 2).T
    shape = np.array([joined_shape(articles[one], articles[other]) for one, other in pairs], dtype=np.float64)
    return Joined(first, second, np.maximum(topics[first], topics[second]), shape.reshape(len(pairs), len(SHAPE)))


def _pairs(
    items: Sequence[LabelledItem], lengths: Sequence[int], count: int, draw: random.Random
) -> Iterator[tuple[int, int]]:
    languages: dict[str, list[int]] = {}
    for row, item in enumerate(items):
        languages.setdefault(item.lang, []).append(row)
    choices = [rows for rows in languages.values() if len(rows) > 1]
    found = 0
    for _ in range(count * _TRIES if choices else 0):
        first, second = draw.sample(draw.choice(choices), 2)
        if items[first].story != items[second].story and _fits(lengths[first], lengths[second]):
            yield first, second
            found += 1
            if found == count:
                return


def _fits(first: int, second: int) -> bool:
    least, most = SHARES
    return first >= LEAST_WORDS and first + second <= MOST_WORDS and least <= second / (first + second) <= most


def joined_shape(first: FieldedArticle, second: FieldedArticle) -> tuple[float, ...]:
    """Return the shape counts of two articles, one after the other."""
    return shape_of([*first.sentences, *second.sentences], len(first.members[_HEAD]))
