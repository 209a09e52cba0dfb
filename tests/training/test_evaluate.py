import dataclasses

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score

from framing.taxonomy import Taxonomy
from training.data import LabelledItem
from training.evaluate import Report, build_report
from training.labels import Labels
from training.metrics import Predictions


@pytest.fixture(scope="module")
def weights(some_items: list[LabelledItem]) -> np.ndarray:
    return np.random.default_rng(2).random(len(some_items)) + 0.5


@pytest.fixture(scope="module")
def predictions(some_items: list[LabelledItem]) -> Predictions:
    rng = np.random.default_rng(1)
    topics, framings = rng.random((len(some_items), 3)), rng.dirichlet(np.ones(5), len(some_items))
    chosen = (topics > 0.4).astype(np.int64)
    return Predictions(chosen, framings.argmax(axis=1), topics, framings, framings.max(axis=1) > 0.4)


@pytest.fixture(scope="module")
def report(some_items: list[LabelledItem], predictions: Predictions, weights: np.ndarray, taxonomy: Taxonomy) -> Report:
    return build_report(some_items, predictions, taxonomy, weights)


def test_a_slice_has_the_figures_of_its_items_alone(
    report: Report, some_items: list[LabelledItem], predictions: Predictions, weights: np.ndarray, taxonomy: Taxonomy
) -> None:
    labels = Labels.of(some_items, taxonomy)
    rows = np.array([index for index, item in enumerate(some_items) if item.kind == "post"])
    part = report["by_kind"]["post"]
    assert part["items"] == len(rows)
    known = {"average": "macro", "sample_weight": weights[rows]}
    assert part["topics"]["f1_macro"] == pytest.approx(f1_score(labels.topics[rows], predictions.topics[rows], **known))
    framing = f1_score(labels.framing[rows], predictions.framing[rows], **known)
    assert part["framing"]["f1_macro"] == pytest.approx(framing)
    low, high = part["framing"]["intervals"]["f1_macro"]
    assert low < framing < high


def test_slices_of_each_way_make_up_the_whole(report: Report, some_items: list[LabelledItem]) -> None:
    for way in ("by_language", "by_kind", "by_length", "by_outlet", "by_voice"):
        assert sum(part["items"] for part in report[way].values()) == len(some_items) == report["items"]


def test_probabilities_are_measured_as_scikit_learn_does(
    report: Report, some_items: list[LabelledItem], predictions: Predictions, weights: np.ndarray, taxonomy: Taxonomy
) -> None:
    labels = Labels.of(some_items, taxonomy)
    chances = predictions.topic_probabilities[:, 1]
    known = {"sample_weight": weights}
    defense = report["calibration"]["topics"]["defense"]
    assert defense["brier"] == pytest.approx(brier_score_loss(labels.topics[:, 1], chances, **known))
    average = report["topics"]["labels"]["defense"]["average_precision"]
    assert average == pytest.approx(average_precision_score(labels.topics[:, 1], chances, **known))
    precisions = [
        average_precision_score(labels.framing == index, predictions.framing_probabilities[:, index], **known)
        for index in range(5)
    ]
    assert report["framing"]["average_precision_macro"] == pytest.approx(np.mean(precisions))
    for task in (report["framing"], report["topics"], report["calibration"]["framing"]):
        for name, (low, high) in task["intervals"].items():
            assert low <= task[name] <= high, name


def test_what_is_withheld_does_not_count_as_answered(
    report: Report, some_items: list[LabelledItem], predictions: Predictions, weights: np.ndarray, taxonomy: Taxonomy
) -> None:
    right = predictions.framing == Labels.of(some_items, taxonomy).framing
    given = predictions.answered
    selective = report["selective"]
    assert selective["coverage"] == pytest.approx(weights[given].sum() / weights.sum())
    assert selective["accuracy"] == pytest.approx(np.average(right[given], weights=weights[given]))
    assert selective["accuracy_at_coverage"]["100%"] == pytest.approx(np.average(right, weights=weights))
    none = build_report(
        some_items, dataclasses.replace(predictions, answered=np.zeros(len(some_items), dtype=bool)), taxonomy
    )
    assert (none["selective"]["coverage"], none["selective"]["accuracy"]) == (0, 0)
