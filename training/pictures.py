"""Pictures of a report."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from framing.taxonomy import Taxonomy
from training.evaluate import Report


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


def _draw(axes: Axes, counts: np.ndarray, labels: list[str], title: str) -> None:
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
