"""Pictures of a report: confusion, reliability, coverage against risk, precision against recall."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from framing.taxonomy import Taxonomy
from training.evaluate import Report
from training.figures import Scored
from training.learning_curve import Point
from training.probability_metrics import Ranking

_FIGURES = (("topics", "f1_micro"), ("topics", "f1_macro"), ("framing", "f1_macro"), ("framing", "accuracy"))
_DIAGONAL: Mapping[str, Any] = {"color": "0.6", "linestyle": ":", "linewidth": 1}


def framing_confusion(report: Report) -> Figure:
    """Return the confusion matrix of the framings, counts in the cells, shares of the true label as colour."""
    confusion = report["framing"]["confusion"]
    figure = Figure(figsize=(6.5, 5.5), layout="constrained")
    _draw(figure.add_subplot(), np.array(confusion["counts"]), confusion["labels"], "Framing, held-out stories")
    return figure


def topic_confusion(report: Report, taxonomy: Taxonomy) -> Figure:
    """Return, side by side, a two by two confusion matrix for each topic."""
    figure = Figure(figsize=(4 * len(taxonomy.topics), 3.8), layout="constrained")
    for position, topic in enumerate(taxonomy.topics, start=1):
        scores = report["topics"]["labels"][topic.id]
        total = sum(sum(row) for row in report["framing"]["confusion"]["counts"])
        hits = scores["recall"] * scores["support"]
        false = hits / scores["precision"] - hits if scores["precision"] else 0.0
        missed = scores["support"] - hits
        cells = np.array([[total - hits - false - missed, false], [missed, hits]])
        _draw(figure.add_subplot(1, len(taxonomy.topics), position), cells, ["not given", "given"], topic.names["en"])
    return figure


def reliability(report: Report) -> Figure:
    """Return how often what was given a probability was true, for the framing and each topic."""
    calibration = report["calibration"]
    panels = {"framing": calibration["framing"], **calibration["topics"]}
    figure = Figure(figsize=(3.4 * len(panels), 3.8), layout="constrained")
    for position, (name, figures) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(1, len(panels), position)
        bins = figures["reliability"]
        axes.plot([0, 1], [0, 1], **_DIAGONAL)
        sizes = [20 + 400 * found["share"] for found in bins]
        confidences, accuracies = ([found[key] for found in bins] for key in ("confidence", "accuracy"))
        axes.plot(confidences, accuracies, color="C0", linewidth=1)
        axes.scatter(confidences, accuracies, s=sizes, color="C0", alpha=0.6)
        _label(axes, f"{name}: error {figures['expected_calibration_error']:.3f}", "probability", "share true")
    return figure


def coverage_risk_curve(report: Report) -> Figure:
    """Return the share of wrong framings at every coverage, and where the model's own threshold stands."""
    selective = report["selective"]
    figure = Figure(figsize=(5.5, 4.2), layout="constrained")
    axes = figure.add_subplot()
    coverage, risk = ([point[key] for point in selective["curve"]] for key in ("coverage", "risk"))
    axes.plot(coverage, risk, color="C0")
    point = selective["coverage"], 1 - selective["accuracy"]
    axes.plot(*point, marker="o", color="C3", label=f"as answered: {point[0]:.0%} covered, {point[1]:.1%} wrong")
    _label(axes, "Framing: risk at coverage", "share answered", "share of answers that are wrong")
    axes.set_ylim(0, max(0.05, *risk) * 1.1)
    axes.legend(loc="upper left")
    return figure


def precision_recall_curves(scored: Scored, taxonomy: Taxonomy) -> Figure:
    """Return precision at every recall, topics on the left and framings on the right."""
    framings = np.eye(len(taxonomy.framings), dtype=np.int64)[scored.labels.framing]
    panels = (
        ("Topics", taxonomy.topic_ids, scored.predictions.topic_probabilities, scored.labels.topics),
        ("Framings", taxonomy.framing_ids, scored.predictions.framing_probabilities, framings),
    )
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    for position, (title, labels, chances, present) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, 2, position)
        for column, label in enumerate(labels):
            ranking = Ranking(chances[:, column], present[:, column])
            precision, recall = ranking.precision_recall(scored.weights)
            axes.plot(recall, precision, label=f"{label} {float(ranking.average_precision(scored.weights)):.2f}")
        _label(axes, f"{title}: precision at recall", "recall", "precision")
        axes.legend(title="average precision", loc="lower left")
    return figure


def baseline_bars(report: Report) -> Figure:
    """Return the model beside its baselines, each with its interval."""
    rows = {"model": report, **report["baselines"]}
    figure = Figure(figsize=(12, 3.4), layout="constrained")
    for position, (task, name) in enumerate(_FIGURES, start=1):
        axes = figure.add_subplot(1, len(_FIGURES), position)
        values = np.array([row[task][name] for row in rows.values()])
        bounds = np.array([row[task]["intervals"][name] for row in rows.values()])
        colours = ["C0", *["0.7"] * (len(rows) - 1)]
        axes.barh(list(rows), values, xerr=np.abs(bounds.T - values), color=colours, ecolor="0.3")
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_title(f"{task} {name}")
    return figure


def curve_by_items(points: Sequence[Point]) -> Figure:
    """Return the figures of a learning curve, with their intervals, over how many items were fitted on."""
    figure = Figure(figsize=(5.5, 4.2), layout="constrained")
    axes = figure.add_subplot()
    counts = [point.items for point in points]
    for task, name in _FIGURES:
        values = np.array([point.held_out[task][name] for point in points])
        bounds = np.array([point.held_out[task]["intervals"][name] for point in points])
        axes.errorbar(counts, values, np.abs(bounds.T - values), marker="o", capsize=3, label=f"{task} {name}")
    axes.set(title="Learning curve, held-out stories", xlabel="items", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return figure


def _label(axes: Axes, title: str, across: str, up: str) -> None:
    axes.set(title=title, xlabel=across, ylabel=up, xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)


def _draw(axes: Axes, counts: np.ndarray, labels: Sequence[str], title: str) -> None:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=30)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("given by the model")
    axes.set_ylabel("true")
    axes.set_title(title)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, f"{count:.0f}", ha="center", va="center", color=colour)
