"""Anybody's texts as weighted n-grams of words and of characters, for other labels than our own."""

import re
from collections.abc import Sequence
from typing import Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from framing.letters import normalise
from training.benchmark_config import Recipe
from training.word_counts import Spread, WordNgrams

_WORDS = r"(?u)\b\w\w+\b"
_WORDS_AND_MARKS = r"(?u)[#@]?\w+|[^\w\s]"
_HASHTAG = re.compile(r"#(\w+)")
_INNER_BOUND = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)")


class TextFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """Blocks of n-grams, sublinear counts times inverse document frequency, each text's block of one length.

    The inner product of two texts is the mean of their cosines over the blocks.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def fit(self, texts: Sequence[str], y: object = None, groups: Sequence[str] | None = None) -> Self:
        """Choose the n-grams that are in enough texts, and in texts of enough `groups`."""
        self.fit_transform(texts, y, groups=groups)
        return self

    def fit_transform(
        self,
        texts: Sequence[str],
        y: object = None,  # noqa: ARG002  # scikit-learn passes it
        groups: Sequence[str] | None = None,
    ) -> sparse.csr_matrix:
        """Fit, and return the features of `texts`."""
        spread = Spread(self.recipe.least_texts, self.recipe.least_groups, groups)
        cleaned = [clean(text, self.recipe) for text in texts]
        self.counters_ = _counters(self.recipe)
        counts = [counter.fit_transform(cleaned, spread) for counter in self.counters_]
        self.weights_ = [TfidfTransformer(sublinear_tf=True).fit(matrix) for matrix in counts]
        return self._weighted(counts)

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return the features of `texts`, (len(texts), n-grams)."""
        cleaned = [clean(text, self.recipe) for text in texts]
        return self._weighted([counter.transform(cleaned) for counter in self.counters_])

    def _weighted(self, counts: Sequence[sparse.csr_matrix]) -> sparse.csr_matrix:
        blocks = [weight.transform(matrix, copy=False) for weight, matrix in zip(self.weights_, counts, strict=True)]
        return blocks[0] if len(blocks) == 1 else sparse.hstack(blocks, format="csr") * len(blocks) ** -0.5


class CharacterNgrams:
    """Counts n-grams of characters within words, of `sizes`."""

    def __init__(self, sizes: tuple[int, int]) -> None:
        self.sizes = sizes

    def fit_transform(self, texts: Sequence[str], spread: Spread) -> sparse.csr_matrix:
        """Choose the n-grams by `spread`, and return how often each is in each of `texts`, (n, n-grams)."""
        self.counter_ = CountVectorizer(
            ngram_range=self.sizes, analyzer="char_wb", min_df=spread.least, dtype=np.float32
        )
        counts = self.counter_.fit_transform(texts)
        self.chosen_ = spread.enough(counts)
        return counts[:, self.chosen_]

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return how often each n-gram chosen is in each of `texts`, (n, n-grams)."""
        return self.counter_.transform(texts)[:, self.chosen_]


def clean(text: str, recipe: Recipe) -> str:
    """Return `text` without what the recipe drops, with what it reads apart."""
    for word in recipe.dropped:
        text = re.sub(re.escape(word), "", text, flags=re.IGNORECASE)
    if recipe.hashtags:
        text = _HASHTAG.sub(lambda tag: f"{tag.group()} {_INNER_BOUND.sub(' ', tag.group(1))}", text)
    return normalise(text) if recipe.letters else text


def _counters(recipe: Recipe) -> list[WordNgrams | CharacterNgrams]:
    counters: list[WordNgrams | CharacterNgrams] = []
    if recipe.words[1]:
        counters.append(WordNgrams(recipe.words, _WORDS_AND_MARKS if recipe.marks else _WORDS))
    if recipe.characters[1]:
        counters.append(CharacterNgrams(recipe.characters))
    return counters
