"""Which words speak most for each label, language by language."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from framing.fields import FIELDS, FieldedArticle
from framing.scorer import LinearWeights, word_ngrams
from framing.taxonomy import Taxonomy
from training.data import LabelledItem
from training.metrics import Matrix

LEAST_ITEMS = 5
MOST_WORDS = 15


def telling_words(
    weights: LinearWeights, items: Sequence[LabelledItem], articles: Sequence[FieldedArticle], taxonomy: Taxonomy
) -> pd.DataFrame:
    """Return, for each label and language, the words that add most to the label's score where they stand in the text.

    Columns: `label`, `language`, `rank` from 1, `word` (normalised), `weight` (log-odds that one such word adds to the
    score of a text of one word), `items` it stands in. Rarer words than in LEAST_ITEMS items are left out.
    """
    return pd.DataFrame(
        list(_rows(weights, items, articles, taxonomy)),
        columns=["label", "language", "rank", "word", "weight", "items"],
    )


def _rows(
    weights: LinearWeights, items: Sequence[LabelledItem], articles: Sequence[FieldedArticle], taxonomy: Taxonomy
) -> Iterator[tuple[str, str, int, str, float, int]]:
    index = {gram: row for row, gram in enumerate(weights.vocabulary)}
    for language, spread in sorted(_spread(items, articles).items()):
        words = [word for word, count in spread.items() if count >= LEAST_ITEMS]
        scores = np.array([_word_weights(weights, index, word) for word in words]).reshape(len(words), -1)
        for column, label in enumerate(taxonomy.topic_ids + taxonomy.framing_ids):
            for rank, row in enumerate(np.argsort(-scores[:, column], kind="stable")[:MOST_WORDS], start=1):
                yield label, language, rank, words[row], float(scores[row, column]), spread[words[row]]


def _spread(items: Sequence[LabelledItem], articles: Sequence[FieldedArticle]) -> dict[str, Counter[str]]:
    """Return, by language, in how many items each word stands."""
    spread: dict[str, Counter[str]] = {}
    for item, article in zip(items, articles, strict=True):
        words = {word for sentence in article.sentences for word in sentence.words}
        spread.setdefault(item.lang, Counter()).update(sorted(words))
    return spread


def _word_weights(weights: LinearWeights, index: dict[str, int], word: str) -> Matrix:
    rows = [index[gram] for gram in word_ngrams(word, weights.sizes) if gram in index]
    added: Matrix = weights.ngrams[rows, FIELDS.index("all")].sum(axis=0, dtype=np.float64) * weights.scale
    return added
