"""Both classifiers, fitted over one vocabulary of n-grams."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.pipeline import Pipeline

from framing.errors import DataError
from framing.fields import FieldedArticle
from framing.taxonomy import Taxonomy
from training.config import Config
from training.data import LabelledItem
from training.factored_rows import FactoredRows, SparseRows
from training.folds import Rows
from training.joined import join_articles
from training.ngram_counts import NgramCounts
from training.pipelines import Articles, FieldNgrams, FittedPipelines, Matrix, make_classifier, make_ngrams
from training.ridge import DualRidge
from training.word_block import WordBlock, word_block


@dataclass(frozen=True, slots=True)
class Known:
    """What classifiers are fitted on: items, as they are read, as they are counted, and their labels.

    `topics` (n, T) of 0 and 1, `framing` (n,) of indices, `weights` (n,) of the items for the framing, from 0 to 1.
    """

    items: Sequence[LabelledItem]
    articles: Sequence[FieldedArticle]
    counts: NgramCounts
    topics: Rows
    framing: Rows
    weights: Matrix

    def at(self, rows: Rows) -> "Known":
        """Return the same of some of the items."""
        items, articles = ([values[row] for row in rows] for values in (self.items, self.articles))
        return Known(items, articles, self.counts.at(rows), self.topics[rows], self.framing[rows], self.weights[rows])


def fit_pipelines(config: Config, known: Known, taxonomy: Taxonomy) -> FittedPipelines:
    """Return both classifiers fitted on what is `known`, with coefficients that float32 holds exactly.

    Raises DataError if no item has one of the framings.
    """
    ngrams = make_ngrams(config.features).fit(known.counts)
    joined = join_articles(known.items, known.articles, known.topics, config.features.joined, config.seed)
    more = known.counts.joined(joined.first, joined.second, joined.shape)
    read = known.counts.followed_by(more)
    rows = ngrams.factored(read)
    topics = make_classifier(config.topics, config.seed, taxonomy.topic_ids, several=True)
    labels = np.vstack([known.topics, joined.topics])
    if config.topics.reads_vectors:
        block, beside = word_block(config.topics, known.counts, read, config.features.exponent)
        topics.fit(rows, labels, classifier__beside=beside)
        _tell(topics, block, rows)
    else:
        topics.fit(_read_by(topics, rows), labels)
    _round(topics, ngrams)
    return FittedPipelines(ngrams, topics, _fit_framing(config, known, taxonomy, ngrams, rows))


def pipeline_scores(pipelines: FittedPipelines, articles: Articles) -> Matrix:
    """Return the uncalibrated scores of `articles`, topics first, (n, L)."""
    rows = pipelines.ngrams.factored(articles)
    return np.hstack([_scores(pipeline, rows) for pipeline in (pipelines.topics, pipelines.framing)])


def framing_scores(config: Config, known: Known, articles: Articles, taxonomy: Taxonomy) -> Matrix:
    """Return what `pipeline_scores` does of the framings, (n, K), by one fitted on what is `known`."""
    ngrams = make_ngrams(config.features).fit(known.counts)
    framing = _fit_framing(config, known, taxonomy, ngrams, ngrams.factored(known.counts))
    return _scores(framing, ngrams.factored(articles))


def _fit_framing(config: Config, known: Known, taxonomy: Taxonomy, ngrams: FieldNgrams, rows: FactoredRows) -> Pipeline:
    """Return the classifier of framings fitted on what is `known`, whose items are the first of `rows`."""
    framing = make_classifier(config.framing, config.seed, taxonomy.framing_ids)
    chosen = np.flatnonzero(known.weights)
    _check_framings(known.framing[chosen], taxonomy)
    read = _read_by(framing, rows.at(chosen))
    framing.fit(read, known.framing[chosen], classifier__sample_weight=known.weights[chosen])
    last = framing.named_steps["classifier"]
    last.coef_ = last.coef_ - last.coef_.mean(axis=0)
    last.intercept_ = last.intercept_ - last.intercept_.mean()
    _round(framing, ngrams)
    return framing


def _check_framings(framing: Rows, taxonomy: Taxonomy) -> None:
    counts = np.bincount(framing, minlength=len(taxonomy.framings))
    missing = [name for name, count in zip(taxonomy.framing_ids, counts, strict=True) if not count]
    if missing:
        raise DataError(
            f"expected items of every framing to learn from, got none of {', '.join(missing)} among {len(framing)} "
            "items; if only a fold lacks them, more stories that have them are needed"
        )


def _read_by(pipeline: Pipeline, rows: FactoredRows) -> SparseRows:
    """Return `rows` as the classifier of `pipeline` takes them: only the ridge can do with their factors."""
    return rows if isinstance(pipeline.named_steps["classifier"], DualRidge) else rows.multiplied()


def _scores(pipeline: Pipeline, rows: FactoredRows) -> Matrix:
    scores: Matrix = pipeline.decision_function(_read_by(pipeline, rows))
    return scores


def _tell(pipeline: Pipeline, block: WordBlock, rows: FactoredRows) -> None:
    """Add to the coefficients of n-grams in the field `all`, the first of `rows`, what they can tell of the `block`."""
    _, spelling = rows.blocks[0]
    classifier, weight = pipeline.named_steps["classifier"], pipeline.named_steps["fields"].weights[0]
    classifier.coef_[:, : rows.widths[0]] += block.distilled(spelling * weight, classifier.beside_coef_.T).T


def _round(pipeline: Pipeline, ngrams: FieldNgrams) -> None:
    """Give `pipeline` coefficients whose products with the columns' factors are exact in float32."""
    factors = ngrams.factors() * pipeline.named_steps["fields"].factors_
    classifier = pipeline.named_steps["classifier"]
    effective = (classifier.coef_ * factors).astype(np.float32).astype(np.float64)
    classifier.coef_ = np.divide(effective, factors, out=np.zeros_like(effective), where=factors != 0)
