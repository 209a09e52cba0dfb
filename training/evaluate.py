"""A report on how a model does on labelled items: the same figures for folds, real news and slices."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from framing.article import Classification
from framing.model import FramingModel
from framing.taxonomy import Taxonomy
from training.data import LabelledItem
from training.fit import Labels
from training.metrics import (
    Matrix,
    Predictions,
    accuracy,
    expected_calibration_error,
    f1_by_label,
    f1_macro,
    f1_micro,
    framing_counts,
    interval,
    log_loss,
    one_against_rest,
    precision_recall,
    topic_counts,
)

Report = dict[str, Any]


def evaluate(
    model: FramingModel, items: Sequence[LabelledItem], *, progress: Callable[[int], None] = lambda _: None
) -> Report:
    """Return the report on `model`'s answers for `items`, with coverage by reason of abstention."""
    answers = []
    for item in items:
        answers.append(model.classify(item.article, evidence=0))
        progress(len(answers))
    report = build_report(items, predictions_of(answers, model.taxonomy), model.taxonomy)
    reasons = Counter(answer.abstention.value for answer in answers if answer.abstention)
    report["selective"]["abstained"] = dict(sorted(reasons.items()))
    return {"model": model.version, "taxonomy": model.taxonomy.version, **report}


def predictions_of(answers: Sequence[Classification], taxonomy: Taxonomy) -> Predictions:
    """Return `answers` as arrays. The framing is the likeliest one; `answered` says where it was given."""
    chances = np.array([[score.probability for score in answer.framings] for answer in answers])
    return Predictions(
        topics=np.array([[int(score.selected) for score in answer.topics] for answer in answers]),
        framing=chances.argmax(axis=1),
        topic_probabilities=np.array([[score.probability for score in answer.topics] for answer in answers]),
        framing_probabilities=chances.reshape(len(answers), len(taxonomy.framings)),
        answered=np.array([bool(answer.framing) for answer in answers]),
    )


def build_report(
    items: Sequence[LabelledItem], predictions: Predictions, taxonomy: Taxonomy, weights: Matrix | None = None
) -> Report:
    """Return the figures for `predictions`; `weights` (n,) bring items to the frequencies that are expected."""
    labels = Labels.of(items, taxonomy)
    weights = np.ones(len(items)) if weights is None else weights
    topics = topic_counts(labels, predictions) * weights[:, None, None]
    framings = framing_counts(labels, predictions, len(taxonomy.framings)) * weights[:, None, None]
    stories = [item.story for item in items]
    return {
        "items": len(items),
        "topics": _topic_figures(topics, stories, taxonomy),
        "framing": _framing_figures(framings, stories, taxonomy),
        "calibration": _calibration(labels, predictions, weights, taxonomy),
        "selective": _selective(labels, predictions, weights),
        "by_language": _slices([item.lang for item in items], topics, framings, stories),
        "by_outlet": _slices([item.outlet or "(none)" for item in items], topics, framings, stories),
    }


def _topic_figures(counts: Matrix, stories: Sequence[str], taxonomy: Taxonomy) -> Report:
    statistics = {"f1_macro": f1_macro, "f1_micro": f1_micro}
    figures = _with_intervals(counts, stories, statistics)
    return figures | {"labels": _by_label(counts.sum(axis=0), taxonomy.topic_ids)}


def _framing_figures(counts: Matrix, stories: Sequence[str], taxonomy: Taxonomy) -> Report:
    statistics = {"f1_macro": lambda cells: f1_macro(one_against_rest(cells)), "accuracy": accuracy}
    figures = _with_intervals(counts, stories, statistics)
    total = counts.sum(axis=0)
    figures["labels"] = _by_label(one_against_rest(total), taxonomy.framing_ids)
    figures["confusion"] = {"labels": list(taxonomy.framing_ids), "counts": total.tolist()}
    return figures


def _with_intervals(
    counts: Matrix, stories: Sequence[str], statistics: Mapping[str, Callable[[Matrix], Matrix]]
) -> Report:
    values: Report = {name: float(statistic(counts.sum(axis=0))) for name, statistic in statistics.items()}
    values["intervals"] = {name: interval(counts, stories, statistic) for name, statistic in statistics.items()}
    return values


def _by_label(counts: Matrix, ids: Sequence[str]) -> Report:
    precision, recall = precision_recall(counts)
    rows = zip(ids, precision, recall, f1_by_label(counts), counts[0] + counts[2], strict=True)
    names = ("precision", "recall", "f1", "support")
    return {label: dict(zip(names, map(float, row), strict=True)) for label, *row in rows}


def _calibration(labels: Labels, predictions: Predictions, weights: Matrix, taxonomy: Taxonomy) -> Report:
    rows = np.arange(len(labels.framing))
    chances = predictions.framing_probabilities
    truth = np.eye(chances.shape[1])[labels.framing]
    framing = {
        "log_loss": log_loss(chances[rows, labels.framing], weights),
        "brier": float(np.average(((chances - truth) ** 2).sum(axis=1), weights=weights)),
        "expected_calibration_error": expected_calibration_error(
            chances.max(axis=1), (predictions.framing == labels.framing).astype(float), weights
        ),
    }
    topics = {}
    for column, topic in enumerate(taxonomy.topic_ids):
        chance, true = predictions.topic_probabilities[:, column], labels.topics[:, column].astype(float)
        topics[topic] = {
            "log_loss": log_loss(np.where(true == 1, chance, 1 - chance), weights),
            "brier": float(np.average((chance - true) ** 2, weights=weights)),
            "expected_calibration_error": expected_calibration_error(chance, true, weights),
        }
    return {"framing": framing, "topics": topics}


def _selective(labels: Labels, predictions: Predictions, weights: Matrix) -> Report:
    answered = predictions.answered
    right = predictions.framing == labels.framing
    given = weights[answered].sum()
    return {
        "coverage": float(given / weights.sum()),
        "accuracy": float((right * weights)[answered].sum() / given) if given else 0.0,
    }


def _slices(names: Sequence[str], topics: Matrix, framings: Matrix, stories: Sequence[str]) -> Report:
    members = np.asarray(names)
    groups = np.asarray(stories)
    return {name: _slice(members == name, topics, framings, groups) for name in sorted(set(names))}


def _slice(rows: Any, topics: Matrix, framings: Matrix, groups: Any) -> Report:
    stories = groups[rows].tolist()
    framing = {"f1_macro": lambda cells: f1_macro(one_against_rest(cells)), "accuracy": accuracy}
    return {
        "items": int(rows.sum()),
        "topics": _with_intervals(topics[rows], stories, {"f1_macro": f1_macro, "f1_micro": f1_micro}),
        "framing": _with_intervals(framings[rows], stories, framing),
    }
