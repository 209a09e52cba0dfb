"""A report on how a model does on labelled items: the same figures for folds, real news and slices."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from framing.article import Classification
from framing.model import FramingModel
from framing.taxonomy import Taxonomy
from training.data import LabelledItem
from training.figures import (
    Scored,
    calibration_figures,
    framing_figures,
    selective_figures,
    slice_figures,
    topic_figures,
)
from training.metrics import Matrix, Predictions
from training.resampling import Resamples
from training.slices import slices_of

Report = dict[str, Any]
Slicing = Callable[[], Report]


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
    items: Sequence[LabelledItem],
    predictions: Predictions,
    taxonomy: Taxonomy,
    weights: Matrix | None = None,
    *,
    aside: Callable[[Slicing], Slicing] = lambda work: work,
) -> Report:
    """Return the figures for `predictions`; `weights` (n,) bring items to the frequencies that are expected.

    Intervals are of 95 %, over stories. Slices are worked out `aside`: at the end, or by training.beside meanwhile.
    """
    scored = Scored.of(items, predictions, taxonomy, weights)
    slices = aside(partial(_sliced, items, scored))
    resamples = Resamples(scored.stories)
    return {
        "items": len(items),
        "stories": len(set(scored.stories)),
        "topics": topic_figures(scored, resamples, taxonomy),
        "framing": framing_figures(scored, resamples, taxonomy),
        "calibration": calibration_figures(scored, resamples, taxonomy),
        "selective": selective_figures(scored, resamples),
        **slices(),
    }


def _sliced(items: Sequence[LabelledItem], scored: Scored) -> Report:
    return {way: slice_figures(scored, names) for way, names in slices_of(items).items()}
