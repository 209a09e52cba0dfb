"""The figures of a report: what is computed from labels, answers and weights, with intervals over stories."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from framing.taxonomy import Taxonomy
from training.data import LabelledItem
from training.labels import Labels
from training.metrics import (
    Indices,
    Matrix,
    Predictions,
    accuracy,
    f1_by_label,
    f1_macro,
    f1_micro,
    framing_counts,
    one_against_rest,
    precision_recall,
    ratio,
    topic_counts,
)
from training.probability_metrics import (
    Ranking,
    bin_sums,
    calibration_bins,
    calibration_error,
    item_log_loss,
    log_loss,
)
from training.resampling import Resamples
from training.selective import COVERAGES, accuracy_at, area_under_risk, curve

Figures = dict[str, Any]
Statistic = Callable[[Matrix], Matrix]

_TOPICS: Mapping[str, Statistic] = {"f1_macro": f1_macro, "f1_micro": f1_micro}
_FRAMING: Mapping[str, Statistic] = {
    "f1_macro": lambda cells: f1_macro(one_against_rest(cells)),
    "accuracy": accuracy,
}
_MAIN_COVERAGE = 0.7
LEAST_STORIES = 10  # of a slice, for its intervals to mean something


@dataclass(frozen=True, slots=True)
class Scored:
    """n answered items, and their weighted counts by topic, (n, 3, T), and framing, (n, K, K)."""

    labels: Labels
    predictions: Predictions
    weights: Matrix
    stories: tuple[str, ...]
    topics: Matrix
    framings: Matrix

    @classmethod
    def of(
        cls, items: Sequence[LabelledItem], predictions: Predictions, taxonomy: Taxonomy, weights: Matrix | None = None
    ) -> "Scored":
        """Return `items` with the answers to them; without `weights` each counts alike."""
        labels = Labels.of(items, taxonomy)
        weights = np.ones(len(items)) if weights is None else weights
        return cls(
            labels=labels,
            predictions=predictions,
            weights=weights,
            stories=tuple(item.story for item in items),
            topics=topic_counts(labels, predictions) * weights[:, None, None],
            framings=framing_counts(labels, predictions, len(taxonomy.framings)) * weights[:, None, None],
        )

    def at(self, rows: Indices) -> "Scored":
        """Return some of the items."""
        return Scored(
            self.labels.at(rows),
            self.predictions.at(rows),
            self.weights[rows],
            tuple(self.stories[row] for row in rows),
            self.topics[rows],
            self.framings[rows],
        )

    @property
    def right(self) -> Matrix:
        """Whether the likeliest framing is the true one, 0 or 1."""
        right: Matrix = (self.predictions.framing == self.labels.framing).astype(np.float64)
        return right

    @property
    def confidence(self) -> Matrix:
        """The probability of the likeliest framing."""
        confidence: Matrix = self.predictions.framing_probabilities.max(axis=1)
        return confidence


def brief_figures(scored: Scored) -> Figures:
    """Return the few figures that slices and baselines are compared by; no intervals for fewer than LEAST_STORIES."""
    stories = len(set(scored.stories))
    resamples = Resamples(scored.stories) if stories >= LEAST_STORIES else None
    truth = np.arange(len(scored.weights)), scored.labels.framing
    error = float(calibration_error(bin_sums(scored.confidence, scored.right, scored.weights).sum(axis=0)))
    return {
        "items": len(scored.stories),
        "stories": stories,
        "topics": _counted(scored.topics, resamples, _TOPICS),
        "framing": _counted(scored.framings, resamples, _FRAMING),
        "calibration": {
            "framing": {
                "log_loss": log_loss(scored.predictions.framing_probabilities[truth], scored.weights),
                "expected_calibration_error": error,
            }
        },
        "selective": _answered(scored),
    }


def slice_figures(scored: Scored, names: Sequence[str]) -> dict[str, Figures]:
    """Return the brief figures of each slice, by name."""
    members = np.asarray(names)
    parts = [(str(name), scored.at(np.flatnonzero(members == name))) for name in np.unique(members)]
    parts.sort(key=lambda part: len(set(part[1].stories)))  # resamples of as many stories are drawn once
    return dict(sorted((name, brief_figures(part)) for name, part in parts))


def topic_figures(scored: Scored, resamples: Resamples, taxonomy: Taxonomy) -> Figures:
    """Return the figures of the topics, together and one by one."""
    figures = _counted(scored.topics, resamples, _TOPICS)
    figures["labels"] = _by_label(scored.topics.sum(axis=0), taxonomy.topic_ids)
    chances, present = scored.predictions.topic_probabilities, scored.labels.topics
    return _ranked(figures, chances, present, scored.weights, resamples)


def framing_figures(scored: Scored, resamples: Resamples, taxonomy: Taxonomy) -> Figures:
    """Return the figures of the framing, together and one by one."""
    figures = _counted(scored.framings, resamples, _FRAMING)
    figures["f1_micro"] = figures["accuracy"]  # the same where every item has one label
    total = scored.framings.sum(axis=0)
    figures["labels"] = _by_label(one_against_rest(total), taxonomy.framing_ids)
    figures["confusion"] = {"labels": list(taxonomy.framing_ids), "counts": total.tolist()}
    present = np.eye(len(taxonomy.framings), dtype=np.int64)[scored.labels.framing]
    return _ranked(figures, scored.predictions.framing_probabilities, present, scored.weights, resamples)


def calibration_figures(scored: Scored, resamples: Resamples, taxonomy: Taxonomy) -> Figures:
    """Return log loss, Brier score, calibration error and reliability of the framing and of each topic."""
    rows = np.arange(len(scored.weights))
    chances, truth = scored.predictions.framing_probabilities, scored.labels.framing
    brier = ((chances - np.eye(chances.shape[1])[truth]) ** 2).sum(axis=1)
    framing = _calibration(chances[rows, truth], brier, (scored.confidence, scored.right), scored.weights, resamples)
    topics = {}
    for column, topic in enumerate(taxonomy.topic_ids):
        chance, true = scored.predictions.topic_probabilities[:, column], scored.labels.topics[:, column]
        given = np.where(true == 1, chance, 1 - chance)
        pairs = (chance, true.astype(np.float64))
        topics[topic] = _calibration(given, (chance - true) ** 2, pairs, scored.weights, resamples)
    return {"framing": framing, "topics": topics}


def selective_figures(scored: Scored, resamples: Resamples) -> Figures:
    """Return coverage and accuracy of the answers given, and accuracy and risk at every coverage."""
    confidence, right, weights = scored.confidence, scored.right, scored.weights
    given = scored.predictions.answered * weights
    cells = np.stack([given * right, given, weights], axis=1)
    return {
        **_answered(scored),
        "accuracy_at_coverage": {
            f"{coverage:.0%}": float(accuracy_at(coverage, confidence, right, weights)) for coverage in COVERAGES
        },
        "area_under_risk": area_under_risk(confidence, right, weights),
        "intervals": {
            "coverage": resamples.of_sums(cells, lambda sums: ratio(sums[..., 1], sums[..., 2])),
            "accuracy": resamples.of_sums(cells, lambda sums: ratio(sums[..., 0], sums[..., 1])),
            f"accuracy_at_{_MAIN_COVERAGE:.0%}": resamples.of_weights(
                weights, lambda drawn: accuracy_at(_MAIN_COVERAGE, confidence, right, drawn)
            ),
        },
        "curve": curve(confidence, right, weights),
    }


def _counted(counts: Matrix, resamples: Resamples | None, statistics: Mapping[str, Statistic]) -> Figures:
    total = counts.sum(axis=0)
    intervals = resamples.of_each(counts, statistics) if resamples else {}
    return {name: float(statistic(total)) for name, statistic in statistics.items()} | {"intervals": intervals}


def _by_label(counts: Matrix, ids: Sequence[str]) -> Figures:
    precision, recall = precision_recall(counts)
    rows = zip(ids, precision, recall, f1_by_label(counts), counts[0] + counts[2], strict=True)
    names = ("precision", "recall", "f1", "support")
    return {label: dict(zip(names, map(float, row), strict=True)) for label, *row in rows}


def _ranked(figures: Figures, chances: Matrix, present: Indices, weights: Matrix, resamples: Resamples) -> Figures:
    """Add average precision: of each label, and the mean of those that occur, with its interval."""
    rankings = [Ranking(chances[:, column], present[:, column]) for column in range(chances.shape[1])]
    occurring = [ranking for ranking, column in zip(rankings, present.T, strict=True) if column.any()]
    for scores, ranking in zip(figures["labels"].values(), rankings, strict=True):
        scores["average_precision"] = float(ranking.average_precision(weights))

    def mean(drawn: Matrix) -> Matrix:
        values = [ranking.average_precision(drawn) for ranking in occurring]
        return np.asarray(np.mean(values, axis=0) if values else np.zeros(drawn.shape[:-1]))

    figures["average_precision_macro"] = float(mean(weights))
    figures["intervals"]["average_precision_macro"] = resamples.of_weights(weights, mean)
    return figures


def _calibration(
    chances: Matrix, brier: Matrix, pairs: tuple[Matrix, Matrix], weights: Matrix, resamples: Resamples
) -> Figures:
    """Return figures from the probability given to the truth, squared errors, and `pairs` of confidence and truth."""
    bins = bin_sums(*pairs, weights)
    error = {"expected_calibration_error": resamples.of_sums(bins, calibration_error)}
    losses = {"log_loss": item_log_loss(chances), "brier": brier}
    sums = {name: np.stack([values * weights, weights], axis=1) for name, values in losses.items()}
    return {
        **{name: float(_mean(cells.sum(axis=0))) for name, cells in sums.items()},
        "expected_calibration_error": float(calibration_error(bins.sum(axis=0))),
        "intervals": {name: resamples.of_sums(cells, _mean) for name, cells in sums.items()} | error,
        "reliability": [asdict(found) for found in calibration_bins(*pairs, weights)],
    }


def _mean(cells: Matrix) -> Matrix:
    return ratio(cells[..., 0], cells[..., 1])


def _answered(scored: Scored) -> Figures:
    given = scored.predictions.answered * scored.weights
    return {
        "coverage": float(ratio(given.sum(), scored.weights.sum())),
        "accuracy": float(ratio((given * scored.right).sum(), given.sum())),
    }
