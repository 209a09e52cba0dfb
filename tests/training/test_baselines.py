import dataclasses
from collections import Counter

import numpy as np
import pytest

from framing.fields import FieldedArticle
from framing.taxonomy import Taxonomy
from training.baselines import (
    BASELINES,
    Material,
    baseline_figures,
    keyword_scores,
    naive_bayes_scores,
    outlet_scores,
    predict,
)
from training.config import Config, Features
from training.data import LabelledItem
from training.figures import Figures
from training.fit import FitResult
from training.labels import Labels
from training.pipelines import count_articles
from training.run import read_all


@pytest.fixture(scope="module")
def material(some_items: list[LabelledItem], some_articles: list[FieldedArticle], taxonomy: Taxonomy) -> Material:
    return material_of(some_items, some_articles, taxonomy)


def material_of(
    items: list[LabelledItem], articles: list[FieldedArticle], taxonomy: Taxonomy, *, bigrams: bool = False
) -> Material:
    counts = count_articles(Features(bigrams=bigrams), articles)
    return Material(items, articles, counts, Labels.of(items, taxonomy), taxonomy)


@pytest.fixture(scope="module")
def figures(small_config: Config, material: Material, fitted: FitResult) -> dict[str, Figures]:
    return baseline_figures(small_config, material, fitted.out_of_fold.fold, np.ones(len(material.items)))


def test_every_baseline_has_the_same_figures(figures: dict[str, Figures]) -> None:
    assert list(figures) == ["prior", "outlet", "keywords", "naive_bayes"]
    assert len({tuple(row) for row in figures.values()}) == 1
    assert all(set(row["framing"]["intervals"]) == {"f1_macro", "accuracy"} for row in figures.values())


def test_words_are_counted_without_their_pairs(
    some_items: list[LabelledItem], some_articles: list[FieldedArticle], taxonomy: Taxonomy
) -> None:
    items, articles = some_items[:30], some_articles[:30]
    counts, words = material_of(items, articles, taxonomy, bigrams=True).counted
    for row, article in enumerate(articles):
        said = Counter(word for sentence in article.sentences for word in sentence.words)
        assert {words[column]: counts[row, column] for column in counts[row].indices} == said


def test_words_say_more_than_the_prior(figures: dict[str, Figures]) -> None:
    prior = figures["prior"]["framing"]["f1_macro"]
    assert figures["naive_bayes"]["framing"]["f1_macro"] > prior + 0.1
    assert figures["keywords"]["topics"]["f1_macro"] > figures["prior"]["topics"]["f1_macro"]


def test_labels_of_the_tested_items_are_not_learnt_from(material: Material) -> None:
    train, test = np.arange(0, len(material.items), 2), np.arange(1, len(material.items), 2)
    topics, framing = material.labels.topics.copy(), material.labels.framing.copy()
    topics[test], framing[test] = 0, 0
    blind = dataclasses.replace(material, labels=Labels(topics, framing, material.labels.prose))
    for scoring in BASELINES.values():
        np.testing.assert_array_equal(scoring(material, train, test), scoring(blind, train, test))
    assert (naive_bayes_scores(material, train, test) != naive_bayes_scores(material, test, train)[: len(test)]).any()


def test_an_outlet_that_is_all_of_one_framing_is_taken_for_it(
    taxonomy: Taxonomy, some_items: list[LabelledItem]
) -> None:
    items = [dataclasses.replace(item, outlet="A", framing="threat") for item in some_items[:10]]
    items += [dataclasses.replace(item, outlet="B", framing="neutral") for item in some_items[10:20]]
    items += [dataclasses.replace(some_items[20], outlet=outlet) for outlet in ("A", "B", "")]
    material = material_of(items, read_all(items), taxonomy)
    scores = outlet_scores(material, np.arange(20), np.arange(20, 23))[:, 3:]
    assert [taxonomy.framing_ids[index] for index in scores[:2].argmax(axis=1)] == ["threat", "neutral"]
    assert scores[2].max() == pytest.approx(0)


@pytest.mark.parametrize(
    ("lang", "text", "label"),
    [
        ("en", "Iran and Russia signed a treaty", "diplomacy"),
        ("ru", "Россия и Иран: ракеты и беспилотники", "defense"),
        ("fa", "حملات و جنگ ایران و روسیه", "conflict"),
        ("ar", "والتهديد الخطير من روسيا وإيران", "threat"),
        ("en", "Iran and Russia: a marriage of convenience", "convenience"),
        ("ru", "Дружба и добрососедство России и Ирана", "cooperation"),
        ("en", "Rain in the north", "absent"),
        ("en", "Iran and Russia", "neutral"),
    ],
)
def test_keywords_speak_for_their_label(
    lang: str, text: str, label: str, taxonomy: Taxonomy, some_items: list[LabelledItem]
) -> None:
    item = dataclasses.replace(some_items[0], lang=lang, title="", text=text)
    material = material_of([item], read_all([item]), taxonomy)
    (scores,) = keyword_scores(material, np.arange(0), np.arange(1))
    assert scores[(taxonomy.topic_ids + taxonomy.framing_ids).index(label)] > 0


def test_the_prior_gives_every_item_the_shares_of_the_labels(
    small_config: Config, material: Material, fitted: FitResult
) -> None:
    flat = small_config.model_copy(update={"framing": small_config.framing.model_copy(update={"prior": {}})})
    fold = fitted.out_of_fold.fold
    answers = predict(flat, material, fold, BASELINES["prior"])
    shares = np.bincount(material.labels.framing[fold != 0], minlength=5) / (fold != 0).sum()
    np.testing.assert_allclose(answers.framing_probabilities[fold == 0][0], shares, atol=1e-3)
