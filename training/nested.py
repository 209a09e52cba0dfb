"""Answers for every item that its own label had no part in: fitted, calibrated and decided on the other folds.

The scores of the other folds, on which a fold's calibration and thresholds are chosen, come from models that saw the
fold; its labels enter nowhere else. What the shipped model's own thresholds would have given is not used: they
were chosen on all items.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from framing.model import Decisions, probabilities
from framing.taxonomy import Taxonomy
from training.calibration import Calibration
from training.config import Config
from training.fit import OutOfFold, decide, fold_calibrations
from training.labels import Labels
from training.metrics import Predictions


def fold_settings(
    config: Config,
    out_of_fold: OutOfFold,
    labels: Labels,
    taxonomy: Taxonomy,
    calibrations: Sequence[Calibration] | None = None,
) -> Iterator[tuple[Calibration, Decisions]]:
    """Yield, fold by fold, the calibration and the thresholds that all the other folds call for.

    `calibrations` are those calibrations, if they are known.
    """
    topics = len(taxonomy.topics)
    for number, calibration in enumerate(calibrations or fold_calibrations(config, out_of_fold, labels, taxonomy)):
        others = np.flatnonzero(out_of_fold.fold != number)
        scored, known = out_of_fold.at(others), labels.at(others)
        seen = OutOfFold(scored.scores, *probabilities(calibration(scored.scores), topics), scored.fold)
        yield calibration, decide(config, seen, known, taxonomy)


def nested_predictions(
    out_of_fold: OutOfFold, settings: Sequence[tuple[Calibration, Decisions]], taxonomy: Taxonomy
) -> Predictions:
    """Return the answers of each fold under the calibration and thresholds of its own in `settings`."""
    shifted = np.zeros_like(out_of_fold.scores)
    thresholds = np.zeros((len(shifted), len(taxonomy.topics)))
    confidence = np.zeros(len(shifted))
    for number, (calibration, decisions) in enumerate(settings):
        rows = np.flatnonzero(out_of_fold.fold == number)
        shifted[rows] = calibration(out_of_fold.scores[rows])
        thresholds[rows] = [decisions.topics[topic] for topic in taxonomy.topic_ids]
        confidence[rows] = decisions.framing_confidence
    topics, framings = probabilities(shifted, len(taxonomy.topics))
    return Predictions(
        topics=(topics >= thresholds).astype(np.int64),
        framing=framings.argmax(axis=1),
        topic_probabilities=topics,
        framing_probabilities=framings,
        answered=framings.max(axis=1) >= confidence,
    )
