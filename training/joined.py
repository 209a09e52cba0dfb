"""Articles joined from two, so that topics are learnt as the codebook has them: by share, not by mixture.

A long report may be about a visit and, for a fifth of its length, about a war. Written items of that kind are few,
and a linear classifier that has met few takes words of one topic for a sign against the others. Two
items of different stories, one after the other, have the topics of both. Only topics are learnt from them.
"""

import random
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from framing.article import Article
from framing.fields import FieldedArticle, read_fields
from training.data import LabelledItem

LEAST_WORDS = 60  # of the first item
MOST_WORDS = 450
SHARES = (0.2, 0.6)  # of the second item: about a fifth is the least that the codebook counts
_TRIES = 100


def join_articles(
    items: Sequence[LabelledItem],
    articles: Sequence[FieldedArticle],
    topics: npt.NDArray[np.int64],
    count: int,
    seed: int,
) -> tuple[list[FieldedArticle], npt.NDArray[np.int64]]:
    """Return `count` joined articles, fewer where few pairs fit, and their topics (count, T)."""
    lengths = [sum(len(sentence.words) for sentence in article.sentences) for article in articles]
    pairs = list(_pairs(items, lengths, count, random.Random(seed)))  # noqa: S311  # no secret
    joined = [read_fields(_join(items[first], items[second])) for first, second in pairs]
    both = [np.maximum(topics[first], topics[second]) for first, second in pairs]
    return joined, np.array(both, dtype=np.int64).reshape(len(pairs), topics.shape[1])


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


def _join(first: LabelledItem, second: LabelledItem) -> Article:
    return Article(title=first.title, text="\n".join((first.text, second.title, second.text)))
