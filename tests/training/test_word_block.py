"""Vectors of words beside n-grams, on a sample of the corpus."""

from collections.abc import Sequence

import numpy as np
import pytest

from framing.article import Article
from framing.fields import FieldedArticle, read_fields
from framing.taxonomy import Taxonomy
from training.classifiers import Known, fit_pipelines, pipeline_scores
from training.config import Config, LatentSemantics, Topics, WordVectors, load_config
from training.data import LabelledItem
from training.labels import Labels
from training.ngram_counts import NgramCounts
from training.pipelines import count_articles, make_classifier, make_ngrams
from training.ridge import DualRidge
from training.word_block import word_block

BOTH = Topics(vectors=WordVectors(share=0.1), lsa=LatentSemantics(dimensions=20, share=0.05))
NEITHER = ("topics.vectors.share=0", "topics.lsa.share=0")
COUNT = 400


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config("default", ["features.most_ngrams=4000"])


@pytest.fixture(scope="module")
def counts(config: Config, some_articles: Sequence[FieldedArticle]) -> NgramCounts:
    return count_articles(config.features, some_articles[:COUNT])


@pytest.fixture(scope="module")
def known(
    counts: NgramCounts, some_items: list[LabelledItem], some_articles: list[FieldedArticle], taxonomy: Taxonomy
) -> Known:
    labels = Labels.of(some_items[:COUNT], taxonomy)
    return Known(some_items[:COUNT], some_articles[:COUNT], counts, labels.topics, labels.framing, np.ones(COUNT))


def test_each_part_has_its_share_of_the_squared_length(counts: NgramCounts) -> None:
    _, rows = word_block(BOTH, counts, counts, 0.5)
    squares = (rows**2).mean(axis=0)
    assert rows.shape == (COUNT, 276)
    assert squares[:256].sum() == pytest.approx(0.1, rel=1e-4)
    assert squares[256:].sum() == pytest.approx(0.05, rel=1e-4)


def test_an_article_is_the_sum_of_its_words(counts: NgramCounts) -> None:
    block, rows = word_block(BOTH, counts, counts, 0.5)
    table = np.zeros((len(counts.names), 276))
    for part, columns in zip(block.parts, (slice(0, 256), slice(256, 276)), strict=True):
        table[part.words, columns] = part.vectors
    np.testing.assert_allclose(rows, counts.words[0] @ table / np.sqrt(counts.lengths[:, :1]), atol=1e-5)


def test_n_grams_tell_what_the_vectors_tell(known: Known, counts: NgramCounts) -> None:
    block, rows = word_block(BOTH, counts, counts, 0.5)
    ngrams = make_ngrams(load_config().features).fit(counts).factored(counts)
    spelling = ngrams.blocks[0][1]
    weights = DualRidge(1.0).fit(ngrams, known.topics, beside=rows).beside_coef_.T
    told = counts.words[0] @ (spelling @ block.distilled(spelling, weights)) / np.sqrt(counts.lengths[:, :1])
    rest = ((rows @ weights - told) ** 2).sum(axis=0) / ((rows @ weights) ** 2).sum(axis=0)
    assert (rest < 0.02).all()


def test_without_shares_or_the_field_of_all_words_the_ridge_reads_n_grams_alone(
    known: Known, counts: NgramCounts, config: Config, taxonomy: Taxonomy
) -> None:
    for settings in (NEITHER, ("topics.fields.all=0",)):
        off = load_config("default", ["features.most_ngrams=4000", *settings])
        alone = make_classifier(off.topics, 7, taxonomy.topic_ids, several=True)
        ngrams = make_ngrams(off.features).fit(counts)
        alone.fit(ngrams.factored(counts), known.topics)
        fitted = fit_pipelines(off, known, taxonomy)
        np.testing.assert_array_equal(
            fitted.topics.named_steps["classifier"].intercept_, alone.named_steps["classifier"].intercept_
        )
        scores = alone.decision_function(ngrams.factored(counts))
        np.testing.assert_allclose(pipeline_scores(fitted, counts)[:, :3], scores, atol=1e-6)
    assert abs(pipeline_scores(fit_pipelines(config, known, taxonomy), counts)[:, :3] - scores).max() > 0.05


def test_framings_are_fitted_without_vectors(known: Known, config: Config, taxonomy: Taxonomy) -> None:
    off = load_config("default", ["features.most_ngrams=4000", *NEITHER])
    first, second = (fit_pipelines(one, known, taxonomy).framing.named_steps["classifier"] for one in (config, off))
    np.testing.assert_array_equal(first.coef_, second.coef_)


def test_nothing_is_learnt_from_items_that_are_not_fitted_on(
    known: Known, config: Config, taxonomy: Taxonomy, some_articles: list[FieldedArticle]
) -> None:
    """Neither their words' frequencies nor their latent semantics: to have counted them, too, changes nothing."""
    rows = np.arange(COUNT // 2)
    part = known.at(rows)
    alone = Known(
        part.items,
        part.articles,
        count_articles(config.features, part.articles),
        part.topics,
        part.framing,
        part.weights,
    )
    unseen = some_articles[COUNT - 50 : COUNT]
    first, second = (pipeline_scores(fit_pipelines(config, one, taxonomy), unseen) for one in (part, alone))
    np.testing.assert_allclose(first, second, atol=2e-3)


def test_words_that_nobody_knows_are_no_fault(known: Known, taxonomy: Taxonomy) -> None:
    articles = [read_fields(Article(text=f"qq{row % 7}x zz{row % 3}x qqqq.")) for row in range(60)]
    config = load_config("default", ["features.least_articles=1", "topics.lsa.share=0"])
    off = load_config("default", ["features.least_articles=1", *NEITHER])
    counts = count_articles(config.features, articles)
    few = known.at(np.arange(60))
    made_up = Known(few.items, articles, counts, few.topics, np.arange(60) % 5, few.weights)
    scores, without = (pipeline_scores(fit_pipelines(one, made_up, taxonomy), articles) for one in (config, off))
    np.testing.assert_array_equal(scores, without)
    latent = load_config("default", ["features.least_articles=1"])
    assert np.isfinite(pipeline_scores(fit_pipelines(latent, made_up, taxonomy), articles)).all()
