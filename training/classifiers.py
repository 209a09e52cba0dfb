"""Both classifiers, fitted over one vocabulary of n-grams."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.pipeline import Pipeline

from framing.fields import FieldedArticle
from framing.taxonomy import Taxonomy
from training.config import Classifier, Config
from training.data import LabelledItem
from training.folds import Rows
from training.joined import join_articles
from training.kernels import FieldKernels
from training.ngram_counts import NgramCounts
from training.pipelines import (
    Articles,
    FittedPipelines,
    Matrix,
    block_widths,
    field_weights,
    make_classifier,
    make_ngrams,
)


@dataclass(frozen=True, slots=True)
class Known:
    """What classifiers are fitted on: items, as they are read, as they are counted, and their labels.

    `topics` (n, T) of 0 and 1, `framing` (n,) of indices, `counted` (n,) whether the framing is learnt from the item.
    """

    items: Sequence[LabelledItem]
    articles: Sequence[FieldedArticle]
    counts: NgramCounts
    topics: Rows
    framing: Rows
    counted: npt.NDArray[np.bool_]

    def at(self, rows: Rows) -> "Known":
        """Return the same of some of the items."""
        items, articles = ([values[row] for row in rows] for values in (self.items, self.articles))
        return Known(items, articles, self.counts.at(rows), self.topics[rows], self.framing[rows], self.counted[rows])


def fit_pipelines(config: Config, known: Known, taxonomy: Taxonomy) -> FittedPipelines:
    """Return both classifiers fitted on what is `known`, with coefficients that float32 holds exactly."""
    ngrams = make_ngrams(config.features)
    counts = ngrams.fit_transform(known.counts)
    joined = join_articles(known.items, known.articles, known.topics, config.features.joined, config.seed)
    more = ngrams.transform(known.counts.joined(joined.first, joined.second, joined.shape))
    more = sparse.vstack([counts, more], format="csr")
    kernels = FieldKernels(more, block_widths(more))
    topics = make_classifier(config.topics, config.seed, taxonomy.topic_ids, several=True)
    every, chosen = np.arange(more.shape[0]), np.flatnonzero(known.counted)
    _fit_one(topics, more, np.vstack([known.topics, joined.topics]), _kernel(config.topics, kernels, every))
    framing = make_classifier(config.framing, config.seed, taxonomy.framing_ids)
    _fit_one(framing, counts[chosen], known.framing[chosen], _kernel(config.framing, kernels, chosen))
    last = framing.named_steps["classifier"]
    last.coef_ = last.coef_ - last.coef_.mean(axis=0)
    last.intercept_ = last.intercept_ - last.intercept_.mean()
    for pipeline in (topics, framing):
        factors = ngrams.factors() * pipeline.named_steps["fields"].factors_
        classifier = pipeline.named_steps["classifier"]
        classifier.coef_ = _rounded(classifier.coef_, factors)
    return FittedPipelines(ngrams, topics, framing)


def pipeline_scores(pipelines: FittedPipelines, articles: Articles) -> Matrix:
    """Return the uncalibrated scores of `articles`, topics first, (n, L)."""
    counts = pipelines.ngrams.transform(articles)
    return np.hstack([pipeline.decision_function(counts) for pipeline in (pipelines.topics, pipelines.framing)])


def _fit_one(pipeline: Pipeline, rows: sparse.csr_matrix, y: Rows, kernel: Matrix | None) -> None:
    pipeline.fit(rows, y, **({} if kernel is None else {"classifier__kernel": kernel}))


def _kernel(settings: Classifier, kernels: FieldKernels, chosen: Rows) -> Matrix | None:
    """Return the inner products of the `chosen` rows, in rising order, if the classifier is fitted on them."""
    if settings.kind != "ridge" or not len(chosen):
        return None
    count = int(chosen[-1]) + 1
    kernel = kernels.weighted(field_weights(settings), count)
    return kernel if len(chosen) == count else kernel[np.ix_(chosen, chosen)]


def _rounded(coefficients: Matrix, factors: Matrix) -> Matrix:
    """Return coefficients whose products with the columns' factors are exact in float32."""
    effective = (coefficients * factors).astype(np.float32).astype(np.float64)
    return np.divide(effective, factors, out=np.zeros_like(effective), where=factors != 0)
