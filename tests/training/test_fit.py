from dataclasses import replace

import numpy as np
import pytest

from framing.errors import DataError
from framing.fields import FieldedArticle
from framing.model import probabilities
from framing.taxonomy import Taxonomy
from training.calibration import calibrate
from training.config import Classifier, Config, load_config
from training.data import LabelledItem
from training.fit import FitResult, best_threshold, decide, fit, prose_folds, story_folds
from training.labels import Labels, framing_weights, prose_weights, topic_weights
from training.run import read_all


def test_no_story_stands_on_both_sides_of_a_fold(
    small_config: Config, some_items: list[LabelledItem], taxonomy: Taxonomy, some_articles: list[FieldedArticle]
) -> None:
    labels = Labels.of(some_items, taxonomy)
    tested: list[int] = []
    for train, test in story_folds(small_config, some_items, labels, some_articles):
        assert not {some_items[row].story for row in train} & {some_items[row].story for row in test}
        tested.extend(test)
    assert sorted(tested) == list(range(len(some_items)))


def test_folds_are_the_same_every_time(
    small_config: Config, some_items: list[LabelledItem], taxonomy: Taxonomy, some_articles: list[FieldedArticle]
) -> None:
    labels = Labels.of(some_items, taxonomy)
    first, second = (
        [test.tolist() for _, test in story_folds(small_config, some_items, labels, some_articles)] for _ in range(2)
    )
    assert first == second


def test_the_model_beats_the_commonest_framing(
    fitted: FitResult, some_items: list[LabelledItem], taxonomy: Taxonomy
) -> None:
    labels = Labels.of(some_items, taxonomy)
    right = (fitted.out_of_fold.framings.argmax(axis=1) == labels.framing).mean()
    assert right > np.bincount(labels.framing).max() / len(labels.framing) + 0.05


def test_weights_bring_labels_to_their_priors(taxonomy: Taxonomy) -> None:
    framing = np.array([0] * 50 + [1] * 30 + [2] * 10 + [3] * 5 + [4] * 5)
    prior = dict(zip(taxonomy.framing_ids, (0.1, 0.1, 0.1, 0.2, 0.5), strict=True))
    topics = np.zeros((100, 3), dtype=np.int64)
    labels = Labels(topics, framing, np.array(["crafted"] * 20 + ["plain"] * 80))
    weights = framing_weights(labels, Classifier(prior=prior), taxonomy)
    shares = np.bincount(framing, weights) / weights.sum()
    np.testing.assert_allclose(shares, (0.1, 0.1, 0.1, 0.2, 0.5))
    assert (framing_weights(labels, Classifier(), taxonomy) == 1).all()
    weights = framing_weights(labels, Classifier(prior=prior, prose={"crafted": 0.25}), taxonomy)
    assert weights[0] == pytest.approx(weights[20] / 4)
    assert weights.sum() == pytest.approx(85)
    np.testing.assert_allclose(np.bincount(framing, weights) / weights.sum(), (0.1, 0.1, 0.1, 0.2, 0.5))
    assert labels.measured(Classifier(prose={"crafted": 0.25})).tolist() == list(range(20, 100))
    present = np.array([1] * 80 + [0] * 20)
    assert np.average(present, weights=topic_weights(present, 0.3)) == pytest.approx(0.3)
    assert (topic_weights(present, None) == 1).all()


def test_each_prose_counts_alike_with_the_prior_in_each(taxonomy: Taxonomy) -> None:
    framing = np.array([0] * 15 + [1] * 5 + [0] * 30 + [2] * 50)
    labels = Labels(np.zeros((100, 3), dtype=np.int64), framing, np.array(["crafted"] * 20 + ["plain"] * 80))
    names = taxonomy.framing_ids
    settings = Classifier(prior={names[0]: 0.6, names[1]: 0.1, names[2]: 0.3}, prose={"crafted": 0.25})
    weights = prose_weights(labels, settings, taxonomy)
    assert weights.mean() == pytest.approx(1)
    assert weights[:20].sum() == pytest.approx(weights[20:].sum())
    np.testing.assert_allclose(np.bincount(framing[:20], weights[:20]) / weights[:20].sum(), (0.6 / 0.7, 0.1 / 0.7))
    np.testing.assert_allclose(np.bincount(framing[20:], weights[20:])[[0, 2]] / weights[20:].sum(), (2 / 3, 1 / 3))
    one = replace(labels, prose=np.full(100, ""))
    np.testing.assert_allclose(prose_weights(one, settings, taxonomy), framing_weights(one, settings, taxonomy))


def test_calibration_mends_scores_that_are_too_sure(taxonomy: Taxonomy) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 8))
    topics = (rng.random((4000, 3)) < 1 / (1 + np.exp(-logits[:, :3]))).astype(np.int64)
    chances = np.exp(logits[:, 3:])
    chances /= chances.sum(axis=1, keepdims=True)
    framing = np.array([rng.choice(5, p=row) for row in chances])
    config = load_config("default", ["topics.prior={}", "framing.prior={}"])
    calibration = calibrate(config, logits * 4 + 1, Labels(topics, framing, np.full(len(framing), "")), taxonomy)
    np.testing.assert_allclose(calibration.scale, 0.25, atol=0.04)
    np.testing.assert_allclose(calibration(logits * 4 + 1)[:, :3], logits[:, :3], atol=0.5)


def test_scores_of_models_that_saw_no_such_prose_change_how_sure_framings_are_and_nothing_else(
    fitted: FitResult, some_items: list[LabelledItem], taxonomy: Taxonomy
) -> None:
    labels, scores = Labels.of(some_items, taxonomy), fitted.out_of_fold.scores
    config = load_config()
    alone = calibrate(config, scores, labels, taxonomy)(scores)
    blind = calibrate(config, scores, labels, taxonomy, np.random.default_rng(0).normal(size=scores[:, 3:].shape))(
        scores
    )
    np.testing.assert_array_equal(alone[:, :3], blind[:, :3])
    assert (alone[:, 3:].argmax(axis=1) == blind[:, 3:].argmax(axis=1)).all()
    assert probabilities(blind, 3)[1].max(axis=1).mean() < probabilities(alone, 3)[1].max(axis=1).mean() - 0.1


def test_every_item_is_scored_once_by_a_model_of_other_prose(
    fitted: FitResult, some_items: list[LabelledItem], taxonomy: Taxonomy
) -> None:
    labels = Labels.of(some_items, taxonomy)
    alike = np.ones(len(some_items))
    folds = prose_folds(labels, alike)
    assert sorted(row for _, test in folds for row in test.tolist()) == list(range(len(some_items)))
    assert all(not {*labels.prose[train]} & {*labels.prose[test]} for train, test in folds)
    assert fitted.out_of_fold.strangers is not None
    one = replace(labels, prose=np.full(len(some_items), "plain"))
    assert prose_folds(one, alike) == []
    assert prose_folds(labels, (labels.prose == "plain").astype(float)) == []  # of which nothing can be learnt


def test_the_best_threshold_of_calibrated_probabilities_is_the_one_with_the_highest_f1() -> None:
    rng = np.random.default_rng(0)
    chances = rng.beta(0.6, 1.2, size=200_000)
    present = (rng.random(200_000) < chances).astype(np.int64)

    def f1(threshold: float) -> float:
        given = chances >= threshold
        return 2 * float((given & (present == 1)).sum()) / float(given.sum() + present.sum())

    threshold = best_threshold(chances, present, np.ones(200_000))
    assert f1(threshold) == pytest.approx(max(f1(other / 100) for other in range(1, 100)), abs=1e-3)
    assert threshold == pytest.approx(f1(threshold) / 2, abs=1e-3)


def test_framings_are_withheld_where_they_would_be_wrong_too_often(
    fitted: FitResult, some_items: list[LabelledItem], taxonomy: Taxonomy
) -> None:
    labels = Labels.of(some_items, taxonomy)
    strict = load_config(
        "default", ["decision.framing_accuracy=0.99", "decision.most_withheld=1.0", "framing.prior={}"]
    )
    decisions = decide(strict, fitted.out_of_fold, labels, taxonomy)
    sure = fitted.out_of_fold.framings.max(axis=1) >= decisions.framing_confidence
    right = fitted.out_of_fold.framings.argmax(axis=1) == labels.framing
    assert 0 < sure.mean() < 1
    assert right[sure].mean() >= 0.97
    lenient = load_config(
        "default", ["framing.prose={}", "decision.framing_accuracy=0.99", "decision.most_withheld=0.0"]
    )
    assert decide(lenient, fitted.out_of_fold, labels, taxonomy).framing_confidence == pytest.approx(
        fitted.out_of_fold.framings.max(axis=1).min()
    )


def test_no_subject_stands_on_both_sides_of_a_fold(some_items: list[LabelledItem], taxonomy: Taxonomy) -> None:
    items = [replace(item, subject="Treaty" if row % 2 else "TREATY") for row, item in enumerate(some_items[:30])]
    items += [replace(item, subject=f"subject {row % 7}") for row, item in enumerate(some_items[30:])]
    for train, test in story_folds(load_config("default"), items, Labels.of(items, taxonomy), read_all(items)):
        tested = {items[row].subject.casefold() for row in test.tolist()}
        assert not tested & {items[row].subject.casefold() for row in train.tolist()}


def test_a_framing_that_nothing_teaches_is_told(
    small_config: Config, some_items: list[LabelledItem], some_articles: list[FieldedArticle], taxonomy: Taxonomy
) -> None:
    rows = [row for row, item in enumerate(some_items) if item.framing != "convenience"][:60]
    items, articles = [some_items[row] for row in rows], [some_articles[row] for row in rows]
    with pytest.raises(DataError, match=r"every framing to learn from, got none of convenience among \d+ items"):
        fit(small_config, items, articles, taxonomy)
