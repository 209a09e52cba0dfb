"""What every pipeline keeps to, whatever its settings."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from framing.article import Article
from framing.fields import FIELDS, SHAPE, FieldedArticle, read_fields
from training.data import LabelledItem
from training.pipelines import FieldNgrams

SETTINGS = {
    "default": {},
    "characters only": {"bigrams": False},
    "one size": {"sizes": (3, 3)},
    "no length norm": {"exponent": 0.0},
    "mean of the field": {"exponent": 1.0},
    "head alone": {"field_weights": (0.0, 1.0, 0.0)},
    "no shape": {"shape_weight": 0.0},
    "tiny vocabulary": {"most_ngrams": 100, "least_articles": 5},
}
ODD = ["", "!!!", "\ud800", "x", "ﷺ", "слово " * 2000, "a" * 5000, "日本語 テキスト"]


def pipeline(settings: dict[str, object]) -> Pipeline:
    return Pipeline([("ngrams", FieldNgrams(**settings)), ("classifier", LogisticRegression(max_iter=200))])  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=SETTINGS)
def settings(request: pytest.FixtureRequest) -> dict[str, object]:
    return SETTINGS[request.param]


@pytest.fixture(scope="module")
def articles(some_articles: list[FieldedArticle]) -> list[FieldedArticle]:
    return some_articles[:80]


@pytest.fixture(scope="module")
def framings(some_items: list[LabelledItem]) -> list[str]:
    return [item.framing for item in some_items[:80]]


@pytest.fixture(scope="module")
def fitted_pipeline(settings: dict[str, object], articles: list[FieldedArticle], framings: list[str]) -> Pipeline:
    return pipeline(settings).fit(articles, framings)


def test_probabilities_are_probabilities(fitted_pipeline: Pipeline, articles: list[FieldedArticle]) -> None:
    chances = fitted_pipeline.predict_proba(articles)
    assert chances.shape == (len(articles), len(fitted_pipeline.classes_))
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert (chances >= 0).all()


def test_odd_texts_are_answered(fitted_pipeline: Pipeline) -> None:
    chances = fitted_pipeline.predict_proba([read_fields(Article(text=text)) for text in ODD])
    assert np.isfinite(chances).all()


def test_an_article_is_answered_alike_alone_and_in_company(
    fitted_pipeline: Pipeline, articles: list[FieldedArticle]
) -> None:
    together = fitted_pipeline.predict_proba(articles[:10])
    alone = np.vstack([fitted_pipeline.predict_proba([article]) for article in articles[:10]])
    backwards = fitted_pipeline.predict_proba(articles[:10][::-1])[::-1]
    np.testing.assert_allclose(alone, together, atol=1e-12)
    np.testing.assert_allclose(backwards, together, atol=1e-12)


def test_fitting_twice_gives_the_same(
    settings: dict[str, object], fitted_pipeline: Pipeline, articles: list[FieldedArticle], framings: list[str]
) -> None:
    again = clone(fitted_pipeline).fit(articles, framings)
    np.testing.assert_array_equal(again.predict_proba(articles), fitted_pipeline.predict_proba(articles))


def test_a_clone_is_unfitted_and_keeps_its_settings(settings: dict[str, object], fitted_pipeline: Pipeline) -> None:
    fresh = clone(fitted_pipeline)
    assert fresh.named_steps["ngrams"].get_params() == fitted_pipeline.named_steps["ngrams"].get_params()
    with pytest.raises((NotFittedError, AttributeError)):
        fresh.predict([read_fields(Article(text="x"))])


def test_transform_agrees_with_fit_transform(settings: dict[str, object], articles: list[FieldedArticle]) -> None:
    counter = FieldNgrams(**settings)  # type: ignore[arg-type]
    fitted = counter.fit_transform(articles)
    assert fitted.shape == (len(articles), len(FIELDS) * len(counter.vocabulary_) + len(SHAPE))
    assert abs(fitted - counter.transform(articles)).max() < 1e-12
    assert counter.factors().shape == (fitted.shape[1],)


def test_the_vocabulary_is_bounded_and_frequent(settings: dict[str, object], articles: list[FieldedArticle]) -> None:
    counter = FieldNgrams(**settings).fit(articles)  # type: ignore[arg-type]
    assert len(counter.vocabulary_) <= counter.most_ngrams
    rows = list(counter.vocabulary_.values())
    assert all(later == earlier + 1 for earlier, later in pairwise(rows))
