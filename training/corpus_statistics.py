"""Figures of the corpus for its datasheet: lengths, vocabulary, label frequencies."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from framing.fields import FieldedArticle
from framing.taxonomy import Taxonomy
from training.corpus_schema import CorpusItem

QUANTILES = {"min": 0.0, "p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1.0}
SEGMENT_WORDS = 1000
ALL = "all"

Figures = dict[str, Any]


def text_statistics(items: Sequence[CorpusItem], articles: Sequence[FieldedArticle], taxonomy: Taxonomy) -> Figures:
    """Return, for all items and for each framing, counts of items and words, vocabulary and quantiles of length.

    Words are those of the prepared title and text, every number one word. The ratio of distinct words
    falls with length, so figures of parts of different size compare by `type_token_1000`, its mean over
    segments of 1000 words (Johnson 1944); null where there is no full segment.
    """
    words = [[word for sentence in article.sentences for word in sentence.words] for article in articles]
    parts = {ALL: words}
    for framing in taxonomy.framing_ids:
        parts[framing] = [found for found, item in zip(words, items, strict=True) if item.framing == framing]
    return {name: _text_figures(part) for name, part in parts.items()}


def _text_figures(texts: Sequence[Sequence[str]]) -> Figures:
    words = list(chain.from_iterable(texts))
    lengths = [len(text) for text in texts] or [0]
    ends = range(SEGMENT_WORDS, len(words) + 1, SEGMENT_WORDS)
    segments = [len(set(words[end - SEGMENT_WORDS : end])) / SEGMENT_WORDS for end in ends]
    return {
        "items": len(texts),
        "words": len(words),
        "distinct_words": len(set(words)),
        "type_token": len(set(words)) / max(1, len(words)),
        "type_token_1000": float(np.mean(segments)) if segments else None,
        "length": {name: float(np.quantile(lengths, at)) for name, at in QUANTILES.items()},
    }


def label_statistics(items: Sequence[CorpusItem], taxonomy: Taxonomy) -> Figures:
    """Return the share of the items that have each framing, each topic, and no topic."""
    count = max(1, len(items))
    topics = {topic: sum(topic in item.topics for item in items) / count for topic in taxonomy.topic_ids}
    return {
        "framing": {name: sum(item.framing == name for item in items) / count for name in taxonomy.framing_ids},
        "topics": topics | {"none": sum(not item.topics for item in items) / count},
    }
