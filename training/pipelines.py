"""scikit-learn pipelines over the fields of an article, and their compilation into a FramingModel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from framing.errors import ConfigError
from framing.fields import FIELDS, SHAPE, FieldedArticle
from training.config import Classifier, Features
from training.factored_rows import FactoredRows, SparseRows
from training.linear import Average, OneForEach
from training.ngram_counts import NgramCounts, count_ngrams
from training.ridge import DualRidge

Matrix = npt.NDArray[np.float64]
Articles = Sequence[FieldedArticle] | NgramCounts


class FieldNgrams(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """Counts n-grams of words, characters within words and pairs of words, field by field.

    The columns are ``len(FIELDS)`` blocks of one vocabulary, then the shape counts. A column holds the
    linear count of its n-gram in the field, times its inverse document frequency, over the field's
    norm: additive over words, so that framing.scorer can give the same scores by look-ups. Articles may come
    counted already, with the same `sizes` and `bigrams`.
    """

    def __init__(
        self,
        sizes: tuple[int, int] = (2, 5),
        bigrams: bool = True,
        least_articles: int = 2,
        most_ngrams: int = 60_000,
        exponent: float = 0.5,
    ) -> None:
        self.sizes = sizes
        self.bigrams = bigrams
        self.least_articles = least_articles
        self.most_ngrams = most_ngrams
        self.exponent = exponent

    def fit(self, articles: Articles, y: object = None) -> Self:  # noqa: ARG002  # scikit-learn passes it
        """Choose the vocabulary: the n-grams of most articles, of `least_articles` at the least."""
        counts = self._counts(articles)
        spread = counts.spread()
        chosen = np.flatnonzero(spread >= self.least_articles)
        chosen = np.sort(chosen[np.argsort(-spread[chosen], kind="stable")][: self.most_ngrams])
        names = list(counts.columns)
        self.vocabulary_ = {names[column]: row for row, column in enumerate(chosen)}
        self.idf_ = np.log((1 + len(counts)) / (1 + spread[chosen])) + 1
        return self

    def fit_transform(self, articles: Articles, y: object = None, **_: Any) -> sparse.csr_matrix:
        """Fit, and return the counts of `articles` as `transform` does."""
        counts = self._counts(articles)
        return self.fit(counts, y).transform(counts)

    def transform(self, articles: Articles) -> sparse.csr_matrix:
        """Return the counts of `articles`, (len(articles), len(FIELDS) * V + len(SHAPE))."""
        return self.factored(articles).multiplied()

    def factored(self, articles: Articles) -> FactoredRows:
        """Return what `transform` returns in factors: a block for each field, then the shape."""
        counts = self._counts(articles)
        # Of one article there are far fewer n-grams than in the vocabulary: the fewer are looked up.
        fewer, others = sorted((counts.columns, self.vocabulary_), key=len)
        common = [gram for gram in fewer if gram in others]
        columns, rows = (
            np.array([names[gram] for gram in common], dtype=np.int64) for names in (counts.columns, self.vocabulary_)
        )
        shape = (len(counts.columns), len(self.vocabulary_))
        spelling = counts.spelling @ sparse.csr_matrix((self.idf_[rows], (columns, rows)), shape=shape)
        shares = [
            sparse.csr_matrix(sparse.diags_array(1 / counts.norms(field, self.exponent)) @ words)
            for field, words in enumerate(counts.words)
        ]
        return FactoredRows([*((words, spelling) for words in shares), (sparse.csr_matrix(counts.shape),)])

    def factors(self) -> Matrix:
        """Return what each column's count was multiplied by: its idf, or 1 for a shape count."""
        return np.concatenate([np.tile(self.idf_, len(FIELDS)), np.ones(len(SHAPE))])

    def _counts(self, articles: Articles) -> NgramCounts:
        if isinstance(articles, NgramCounts):
            return articles
        return count_ngrams(articles, self.sizes, bigrams=self.bigrams)


class FieldScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """Multiplies the blocks of columns that FieldNgrams makes: one weight for each field, then the shape's."""

    def __init__(self, weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)) -> None:
        self.weights = weights

    def fit(self, rows: SparseRows, y: object = None) -> Self:  # noqa: ARG002  # scikit-learn passes it
        """Learn how wide the blocks are."""
        self.factors_ = np.repeat(self.weights, block_widths(rows))
        return self

    def transform(self, rows: SparseRows) -> SparseRows:
        """Return `rows` with its columns weighted."""
        if isinstance(rows, FactoredRows):
            return rows.weighted(self.weights)
        return sparse.csr_matrix(rows @ sparse.diags_array(self.factors_))


def block_widths(rows: SparseRows) -> list[int]:
    """Return how many columns of `rows`, as FieldNgrams makes them, each field has, then the shape."""
    width = (rows.shape[1] - len(SHAPE)) // len(FIELDS)
    return [*[width] * len(FIELDS), len(SHAPE)]


@dataclass(frozen=True, slots=True)
class FittedPipelines:
    """Two fitted classifiers, each with its own weights of the fields, over one fitted vocabulary."""

    ngrams: FieldNgrams
    topics: Pipeline
    framing: Pipeline

    @property
    def topic_pipeline(self) -> Pipeline:
        """From fielded articles to the topics, (n, topics)."""
        return Pipeline([("ngrams", self.ngrams), *self.topics.steps])

    @property
    def framing_pipeline(self) -> Pipeline:
        """From fielded articles to the framing, (n, framings)."""
        return Pipeline([("ngrams", self.ngrams), *self.framing.steps])


def count_articles(features: Features, articles: Sequence[FieldedArticle]) -> NgramCounts:
    """Return the counts of `articles` for what `make_ngrams(features)` returns."""
    return count_ngrams(articles, (features.least_ngram, features.greatest_ngram), bigrams=features.bigrams)


def make_ngrams(features: Features) -> FieldNgrams:
    """Return the unfitted counts that `features` describe."""
    return FieldNgrams(
        sizes=(features.least_ngram, features.greatest_ngram),
        bigrams=features.bigrams,
        least_articles=features.least_articles,
        most_ngrams=features.most_ngrams,
        exponent=features.exponent,
    )


def field_weights(settings: Classifier) -> tuple[float, ...]:
    """Return the weights of the blocks that FieldNgrams makes."""
    fields = settings.fields
    return (fields.all, fields.head, fields.pair, fields.shape)


def make_classifier(settings: Classifier, seed: int, labels: Sequence[str], *, several: bool = False) -> Pipeline:
    """Return the unfitted classifier that `settings` describe, from counts to the indices of `labels`.

    With `several`, an article may have several labels, given as indicators (n, L).
    """
    scaler = FieldScaler(field_weights(settings))
    return Pipeline([("fields", scaler), ("classifier", _make_linear(settings, seed, labels, several))])


def _make_linear(settings: Classifier, seed: int, labels: Sequence[str], several: bool) -> Any:
    weight: Any = None if settings.class_weight == "none" else settings.class_weight
    if isinstance(weight, dict):
        _check_weights(weight, labels)
        weight = {index: weight.get(label, 1.0) for index, label in enumerate(labels)}
    if settings.kind == "average":
        members = [settings.model_copy(update={"kind": kind}) for kind in settings.members]
        if not members:
            raise ConfigError('members: expected kinds of classifiers for kind = "average", got none')
        return Average([_make_linear(member, seed, labels, several) for member in members])
    if settings.kind == "ridge":
        return DualRidge(settings.alpha, class_weight=weight)
    if several or settings.kind != "logistic":
        return OneForEach(settings.kind, settings.c, settings.smoothing, weight, seed)
    return LogisticRegression(C=settings.c, class_weight=weight, max_iter=1000, tol=1e-3, random_state=seed)


def _check_weights(weights: dict[str, float], labels: Sequence[str]) -> None:
    unknown = sorted(set(weights) - set(labels))
    if unknown:
        raise ConfigError(f"class_weight: expected labels of {list(labels)}, got {unknown}")
