"""scikit-learn pipelines over the fields of an article, and their compilation into a FramingModel."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

from framing.errors import ConfigError
from framing.fields import FIELDS, SHAPE, FieldedArticle
from framing.scorer import bigram, field_norm, word_ngrams
from training.config import Classifier, Features
from training.ridge import DualRidge

Matrix = npt.NDArray[np.float64]


class FieldNgrams(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """Counts n-grams of words, characters within words and pairs of words, field by field.

    The columns are ``len(FIELDS)`` blocks of one vocabulary, then the shape counts. A column holds the
    linear count of its n-gram in the field, times its inverse document frequency, over the field's
    norm: additive over words, so that framing.scorer can give the same scores by look-ups.
    """

    def __init__(  # scikit-learn wants every parameter here by name
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

    def fit(self, articles: Sequence[FieldedArticle], y: object = None) -> Self:
        """Choose the vocabulary: the n-grams of most articles, of `least_articles` at the least."""
        self.fit_transform(articles, y)
        return self

    def fit_transform(self, articles: Sequence[FieldedArticle], y: object = None, **_: Any) -> sparse.csr_matrix:  # noqa: ARG002  # scikit-learn passes it
        """Fit, and return the counts of `articles` as `transform` does."""
        words, counts = self._count_words(articles)
        grams: dict[str, int] = {}
        spelling = self._spelling(words, grams, learn=True)
        spread = np.asarray(((counts[0] @ spelling) > 0).sum(axis=0)).ravel()
        chosen = np.flatnonzero(spread >= self.least_articles)
        chosen = np.sort(chosen[np.argsort(-spread[chosen], kind="stable")][: self.most_ngrams])
        names = list(grams)
        self.vocabulary_ = {names[column]: row for row, column in enumerate(chosen)}
        self.idf_ = np.log((1 + len(articles)) / (1 + spread[chosen])) + 1
        return self._assemble(counts, spelling[:, chosen], articles)

    def transform(self, articles: Sequence[FieldedArticle]) -> sparse.csr_matrix:
        """Return the counts of `articles`, (len(articles), len(FIELDS) * V + len(SHAPE))."""
        words, counts = self._count_words(articles)
        return self._assemble(counts, self._spelling(words, self.vocabulary_, learn=False), articles)

    def factors(self) -> Matrix:
        """Return what each column's count was multiplied by: its idf, or 1 for the shape counts."""
        return np.concatenate([np.tile(self.idf_, len(FIELDS)), np.ones(len(SHAPE))])

    def _assemble(
        self, counts: Sequence[sparse.csr_matrix], spelling: sparse.csr_matrix, articles: Sequence[FieldedArticle]
    ) -> sparse.csr_matrix:
        scaled = spelling @ sparse.diags_array(self.idf_)
        shape = np.array([article.shape for article in articles]).reshape(len(articles), len(SHAPE))
        blocks = [matrix @ scaled for matrix in counts]
        return sparse.csr_matrix(sparse.hstack([*blocks, sparse.csr_matrix(shape)], format="csr"))

    def _count_words(self, articles: Sequence[FieldedArticle]) -> tuple[dict[str, int], list[sparse.csr_matrix]]:
        """Return the words and pairs of `articles` and, for each field, their counts."""
        words: dict[str, int] = {}
        counts = [self._word_counts(articles, field, words) for field in range(len(FIELDS))]
        for matrix in counts:
            matrix.resize((len(articles), len(words)))
        return words, counts

    def _word_counts(self, articles: Sequence[FieldedArticle], field: int, words: dict[str, int]) -> sparse.csr_matrix:
        """Return how often each word and pair stands in the field of each article, over the field's norm."""
        columns: list[int] = []
        values: list[npt.NDArray[np.float64]] = []
        ends = [0]
        for article in articles:
            members = [article.sentences[index].words for index in article.members[field]]
            before = len(columns)
            for sentence in members:
                columns.extend(words.setdefault(f" {word} ", len(words)) for word in sentence)
                if self.bigrams:
                    pairs = pairwise(sentence)
                    columns.extend(words.setdefault(bigram(*pair), len(words)) for pair in pairs)
            norm = field_norm([len(sentence) for sentence in members], self.exponent)
            values.append(np.full(len(columns) - before, 1 / norm))
            ends.append(len(columns))
        data = np.concatenate(values) if values else np.empty(0)
        matrix = sparse.csr_matrix((data, np.array(columns, dtype=np.int64), ends), shape=(len(articles), len(words)))
        matrix.sum_duplicates()
        return matrix

    def _spelling(self, words: dict[str, int], grams: dict[str, int], *, learn: bool) -> sparse.csr_matrix:
        """Return which n-grams each word or pair has, and how often, (words, n-grams)."""
        columns: list[int] = []
        ends = [0]
        for word in words:
            inner = word[1:-1]
            for gram in (word,) if " " in inner else word_ngrams(inner, self.sizes):
                column = grams.setdefault(gram, len(grams)) if learn else grams.get(gram)
                if column is not None:
                    columns.append(column)
            ends.append(len(columns))
        data = np.ones(len(columns))
        matrix = sparse.csr_matrix((data, np.array(columns, dtype=np.int64), ends), shape=(len(words), len(grams)))
        matrix.sum_duplicates()
        return matrix


class FieldScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no type hints
    """Multiplies the blocks of columns that FieldNgrams makes: one weight for each field, then the shape's."""

    def __init__(self, weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)) -> None:
        self.weights = weights

    def fit(self, rows: sparse.csr_matrix, y: object = None) -> Self:  # noqa: ARG002  # scikit-learn passes it
        """Learn how wide the blocks are."""
        width = (rows.shape[1] - len(SHAPE)) // len(FIELDS)
        self.factors_ = np.repeat(self.weights, [*[width] * len(FIELDS), len(SHAPE)])
        return self

    def transform(self, rows: sparse.csr_matrix) -> sparse.csr_matrix:
        """Return `rows` with its columns weighted."""
        return sparse.csr_matrix(rows @ sparse.diags_array(self.factors_))


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


def make_ngrams(features: Features) -> FieldNgrams:
    """Return the unfitted counts that `features` describe."""
    return FieldNgrams(
        sizes=(features.least_ngram, features.greatest_ngram),
        bigrams=features.bigrams,
        least_articles=features.least_articles,
        most_ngrams=features.most_ngrams,
        exponent=features.exponent,
    )


def make_classifier(settings: Classifier, seed: int, labels: Sequence[str], *, several: bool = False) -> Pipeline:
    """Return the unfitted classifier that `settings` describe, from counts to the indices of `labels`.

    With `several`, an article may have several labels, given as indicators (n, L).
    """
    fields = settings.fields
    scaler = FieldScaler((fields.all, fields.head, fields.pair, fields.shape))
    return Pipeline([("fields", scaler), ("classifier", _make_linear(settings, seed, labels, several))])


def _make_linear(settings: Classifier, seed: int, labels: Sequence[str], several: bool) -> Any:
    weight: Any = None if settings.class_weight == "none" else settings.class_weight
    if isinstance(weight, dict):
        _check_weights(weight, labels, settings.kind, several)
        weight = {index: weight.get(label, 1.0) for index, label in enumerate(labels)}
    if settings.kind == "ridge":
        return DualRidge(settings.alpha, class_weight=weight)
    logistic = LogisticRegression(C=settings.c, class_weight=weight, max_iter=1000, tol=1e-3, random_state=seed)
    return OneVsRestClassifier(logistic) if several else logistic


def _check_weights(weights: dict[str, float], labels: Sequence[str], kind: str, several: bool) -> None:
    unknown = sorted(set(weights) - set(labels))
    if unknown:
        raise ConfigError(f"class_weight: expected labels of {list(labels)}, got {unknown}")
    if several and kind == "logistic":
        raise ConfigError('topics.class_weight: a weight by topic goes with kind = "ridge", got "logistic"')
