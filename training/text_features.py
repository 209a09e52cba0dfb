"""Anybody's texts as weighted n-grams of words and of characters, for other labels than our own."""

import re
from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from framing.letters import normalise
from training.benchmark_config import Recipe

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
        cleaned = [clean(text, self.recipe) for text in texts]
        self.counters_ = _counters(self.recipe)
        counts = [counter.fit_transform(cleaned) for counter in self.counters_]
        self.chosen_ = [_widespread(matrix, groups, self.recipe.least_groups) for matrix in counts]
        chosen = [matrix[:, columns] for matrix, columns in zip(counts, self.chosen_, strict=True)]
        self.weights_ = [TfidfTransformer(sublinear_tf=True).fit(matrix) for matrix in chosen]
        return self._weighted(chosen)

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return the features of `texts`, (len(texts), n-grams)."""
        cleaned = [clean(text, self.recipe) for text in texts]
        blocks = zip(self.counters_, self.chosen_, strict=True)
        return self._weighted([counter.transform(cleaned)[:, columns] for counter, columns in blocks])

    def _weighted(self, counts: Sequence[sparse.csr_matrix]) -> sparse.csr_matrix:
        blocks = [weight.transform(matrix) for weight, matrix in zip(self.weights_, counts, strict=True)]
        return sparse.hstack(blocks, format="csr") * len(blocks) ** -0.5


def clean(text: str, recipe: Recipe) -> str:
    """Return `text` without what the recipe drops, with what it reads apart."""
    for word in recipe.dropped:
        text = re.sub(re.escape(word), "", text, flags=re.IGNORECASE)
    if recipe.hashtags:
        text = _HASHTAG.sub(lambda tag: f"{tag.group()} {_INNER_BOUND.sub(' ', tag.group(1))}", text)
    return normalise(text) if recipe.letters else text


def _counters(recipe: Recipe) -> list[CountVectorizer]:
    pattern = _WORDS_AND_MARKS if recipe.marks else _WORDS
    shared = {"min_df": max(recipe.least_texts, recipe.least_groups), "dtype": np.float32}
    counters = []
    if recipe.words[1]:
        counters.append(CountVectorizer(ngram_range=recipe.words, token_pattern=pattern, **shared))
    if recipe.characters[1]:
        counters.append(CountVectorizer(ngram_range=recipe.characters, analyzer="char_wb", **shared))
    return counters


def _widespread(counts: sparse.csr_matrix, groups: Sequence[str] | None, least: int) -> npt.NDArray[np.int64]:
    """Return the columns that occur in texts of at least `least` of the groups."""
    if groups is None or least == 1:
        return np.arange(counts.shape[1])
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    rows = np.arange(len(members))
    membership = sparse.csr_matrix((np.ones(len(members)), (members, rows)), shape=(len(names), len(members)))
    spread = np.asarray(((membership @ counts) > 0).sum(axis=0)).ravel()
    return np.flatnonzero(spread >= least)
