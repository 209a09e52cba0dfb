"""What every pipeline keeps to, whatever its settings."""

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline

from framing.article import Article
from framing.fields import FIELDS, SHAPE, FieldedArticle, read_fields
from framing.scorer import Scorer
from framing.taxonomy import default_taxonomy
from training.calibration import Calibration
from training.classifiers import Known, fit_pipelines, pipeline_scores
from training.config import Classifier, Config, Features, FieldWeights, LatentSemantics, Topics, WordVectors
from training.data import LabelledItem
from training.fit import compile_weights
from training.labels import Labels
from training.pipelines import FieldNgrams, count_articles, make_classifier

FRAMINGS = default_taxonomy().framing_ids

SETTINGS: dict[str, tuple[dict[str, object], Classifier]] = {
    "ridge": ({}, Classifier()),
    "logistic": ({}, Classifier(kind="logistic")),
    "balanced ridge": ({}, Classifier(class_weight="balanced")),
    "weighted logistic": ({}, Classifier(kind="logistic", class_weight={"absent": 0.5})),
    "support vectors": ({}, Classifier(kind="svm")),
    "weighted support vectors": ({}, Classifier(kind="svm", class_weight={"absent": 0.5})),
    "complement Bayes": ({}, Classifier(kind="complement_bayes")),
    "balanced complement Bayes": ({}, Classifier(kind="complement_bayes", class_weight="balanced")),
    "Bayes and logistic": ({}, Classifier(kind="bayes_logistic")),
    "average": ({}, Classifier(kind="average", members=("ridge", "bayes_logistic", "logistic"))),
    "pairs of words": ({"bigrams": True}, Classifier()),
    "one size": ({"sizes": (3, 3)}, Classifier()),
    "no length norm": ({"exponent": 0.0}, Classifier()),
    "mean of the field": ({"exponent": 1.0}, Classifier()),
    "head alone": ({}, Classifier(fields=FieldWeights(all=0, head=1, pair=0, shape=0))),
    "tiny vocabulary": ({"most_ngrams": 100, "least_articles": 5}, Classifier()),
}
ODD = ["", "!!!", "\ud800", "x", "ﷺ", "слово " * 2000, "a" * 5000, "日本語 テキスト"]


Settings = tuple[dict[str, object], Classifier]


def counter(settings: Settings) -> FieldNgrams:
    return FieldNgrams(**settings[0])  # type: ignore[arg-type]


def pipeline(settings: Settings) -> Pipeline:
    classifier = make_classifier(settings[1], 7, FRAMINGS)
    return Pipeline([("ngrams", counter(settings)), *classifier.steps])


@pytest.fixture(scope="module", params=SETTINGS)
def settings(request: pytest.FixtureRequest) -> Settings:
    return SETTINGS[request.param]


@pytest.fixture(scope="module")
def articles(some_articles: list[FieldedArticle]) -> list[FieldedArticle]:
    return some_articles[:80]


@pytest.fixture(scope="module")
def framings(some_items: list[LabelledItem]) -> list[int]:
    return [FRAMINGS.index(item.framing) for item in some_items[:80]]


@pytest.fixture(scope="module")
def fitted_pipeline(settings: Settings, articles: list[FieldedArticle], framings: list[int]) -> Pipeline:
    return pipeline(settings).fit(articles, framings)


def test_every_article_gets_a_score_for_every_label(fitted_pipeline: Pipeline, articles: list[FieldedArticle]) -> None:
    scores = fitted_pipeline.decision_function(articles)
    assert scores.shape == (len(articles), len(fitted_pipeline.classes_))
    np.testing.assert_array_equal(fitted_pipeline.classes_[scores.argmax(axis=1)], fitted_pipeline.predict(articles))


def test_what_was_learnt_is_recalled_better_than_chance(
    fitted_pipeline: Pipeline, articles: list[FieldedArticle], framings: list[int]
) -> None:
    right = (fitted_pipeline.predict(articles) == framings).mean()
    assert right > max(framings.count(label) for label in framings) / len(framings)


def test_odd_texts_are_answered(fitted_pipeline: Pipeline) -> None:
    scores = fitted_pipeline.decision_function([read_fields(Article(text=text)) for text in ODD])
    assert np.isfinite(scores).all()


def test_an_article_is_answered_alike_alone_and_in_company(
    fitted_pipeline: Pipeline, articles: list[FieldedArticle]
) -> None:
    together = fitted_pipeline.decision_function(articles[:10])
    alone = np.vstack([fitted_pipeline.decision_function([article]) for article in articles[:10]])
    backwards = fitted_pipeline.decision_function(articles[:10][::-1])[::-1]
    np.testing.assert_allclose(alone, together, atol=1e-12)
    np.testing.assert_allclose(backwards, together, atol=1e-12)


def test_fitting_twice_gives_the_same(
    settings: Settings, fitted_pipeline: Pipeline, articles: list[FieldedArticle], framings: list[int]
) -> None:
    again = clone(fitted_pipeline).fit(articles, framings)
    np.testing.assert_array_equal(again.decision_function(articles), fitted_pipeline.decision_function(articles))


def test_a_clone_is_unfitted_and_keeps_its_settings(settings: Settings, fitted_pipeline: Pipeline) -> None:
    fresh = clone(fitted_pipeline)
    assert fresh.named_steps["ngrams"].get_params() == fitted_pipeline.named_steps["ngrams"].get_params()
    with pytest.raises((NotFittedError, AttributeError)):
        fresh.predict([read_fields(Article(text="x"))])


def test_transform_agrees_with_fit_transform(settings: Settings, articles: list[FieldedArticle]) -> None:
    ngrams = counter(settings)
    fitted = ngrams.fit_transform(articles)
    assert fitted.shape == (len(articles), len(FIELDS) * len(ngrams.vocabulary_) + len(SHAPE))
    assert abs(fitted - ngrams.transform(articles)).max() < 1e-12
    assert ngrams.factors().shape == (fitted.shape[1],)


def test_the_vocabulary_is_bounded_and_frequent(settings: Settings, articles: list[FieldedArticle]) -> None:
    ngrams = counter(settings).fit(articles)
    assert len(ngrams.vocabulary_) <= ngrams.most_ngrams
    rows = list(ngrams.vocabulary_.values())
    assert all(later == earlier + 1 for earlier, later in pairwise(rows))


@pytest.mark.parametrize("kind", get_args(Classifier.model_fields["kind"].annotation))
def test_the_compiled_scorer_gives_the_scores_of_the_pipelines(
    kind: str, some_items: list[LabelledItem], articles: list[FieldedArticle]
) -> None:
    """Items of the sample, with every framing and topic; odd texts are scored alike too."""
    classifier = Classifier(kind=kind, members=("ridge", "svm") if kind == "average" else ())  # type: ignore[arg-type]  # pydantic checks it
    topics = Topics(**classifier.model_dump(), vectors=WordVectors(share=0.1), lsa=LatentSemantics(share=0.05))
    config = Config(features=Features(most_ngrams=2000), topics=topics, framing=classifier)
    labels = Labels.of(some_items[:80], default_taxonomy())
    counts = count_articles(config.features, articles)
    known = Known(some_items[:80], articles, counts, labels.topics, labels.framing, np.ones(80, dtype=bool))
    pipelines = fit_pipelines(config, known, default_taxonomy())
    odd = [read_fields(Article(text=text)) for text in ODD]
    scores = pipeline_scores(pipelines, [*articles, *odd])
    scorer = Scorer(compile_weights(pipelines, Calibration(np.ones(scores.shape[1]), np.zeros(scores.shape[1]))))
    for row, article in zip(scores, [*articles, *odd], strict=True):
        np.testing.assert_allclose(scorer.score(article).total, row, atol=1e-9, rtol=1e-9)
