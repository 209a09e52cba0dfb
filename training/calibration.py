"""Scores made probabilities that hold where the model will work."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from framing.model import probabilities
from framing.taxonomy import Taxonomy
from training.config import Config
from training.labels import Labels, framing_weights, prose_weights, topic_weights
from training.pipelines import Matrix
from training.probability_metrics import item_log_loss

_FLAT = 1e-9  # of the slope of a mean log loss: it is then at its least
_FACTORS = (0.1, 10.0)  # of how sure the framings are


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores to calibrated scores, label by label: ``scale * score + shift``.

    Platt scaling for each topic (Platt 1999); for the framings temperature and bias (Guo et al. 2017,
    section 4.2, vector scaling with one temperature), fitted by weighted log loss.
    """

    scale: Matrix
    shift: Matrix

    def __call__(self, scores: Matrix) -> Matrix:
        """Return calibrated scores (n, L) for `scores` (n, L)."""
        return scores * self.scale + self.shift


def calibrate(
    config: Config, scores: Matrix, labels: Labels, taxonomy: Taxonomy, strangers: Matrix | None = None
) -> Calibration:
    """Return the calibration that minimises the log loss of `scores` at the configured priors.

    How sure the framings are is set by the scores of `strangers`, if given: by models that saw no prose like the
    item's, as a model in use has seen none like what it will meet. Each prose counts alike, however many items it
    has. Which framing is likeliest stays.
    """
    topics, framings = np.split(scores, [len(taxonomy.topic_ids)], axis=1)
    pairs = [
        _platt(topics[:, column], labels.topics[:, column], topic_weights(labels.topics[:, column], prior))
        for column, prior in enumerate(map(config.topics.prior.get, taxonomy.topic_ids))
    ]
    factor, bias = _framing_calibration(config, framings, labels, taxonomy, strangers)
    scale = [*(scale for scale, _ in pairs), *[factor] * len(bias)]
    return Calibration(np.array(scale), np.array([*(shift for _, shift in pairs), *bias]))


def _framing_calibration(
    config: Config, scores: Matrix, labels: Labels, taxonomy: Taxonomy, strangers: Matrix | None
) -> tuple[float, Matrix]:
    """Return the factor of the framings' scores and what is then added to each."""
    factor, bias = _temperature_and_bias(scores, labels.framing, framing_weights(labels, config.framing, taxonomy))
    if strangers is None:
        return factor, bias
    logits, weights = factor * strangers + bias, prose_weights(labels, config.framing, taxonomy)
    softer = _temperature(logits, labels.framing, weights)
    return softer * factor, softer * bias


def _platt(scores: Matrix, present: npt.NDArray[np.int64], weights: Matrix) -> tuple[float, float]:
    weights = weights / weights.sum()
    columns = np.column_stack([scores, np.ones(len(scores))])

    def loss(parameters: Matrix) -> tuple[float, Matrix]:
        logits = columns @ parameters
        value = float(weights @ (np.logaddexp(0, logits) - present * logits))
        return value, (weights * (expit(logits) - present)) @ columns

    def curvature(parameters: Matrix) -> Matrix:
        chances = expit(columns @ parameters)
        found: Matrix = (columns.T * (weights * chances * (1 - chances))) @ columns
        return found

    start, options = [1.0, 0.0], {"gtol": _FLAT}
    scale, shift = minimize(loss, start, jac=True, hess=curvature, method="trust-exact", options=options).x
    return float(scale), float(shift)


def _temperature_and_bias(scores: Matrix, framing: npt.NDArray[np.int64], weights: Matrix) -> tuple[float, Matrix]:
    rows = np.arange(len(framing))

    def loss(parameters: Matrix) -> tuple[float, Matrix]:
        logits = parameters[0] * scores + parameters[1:]
        _, chances = probabilities(logits, 0)
        residual = chances.copy()
        residual[rows, framing] -= 1
        residual *= weights[:, None]
        value = float(weights @ item_log_loss(chances[rows, framing]))
        return value, np.concatenate([[(residual * scores).sum()], residual.sum(axis=0)])

    start = np.concatenate([[1.0], np.zeros(scores.shape[1])])
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return float(found[0]), found[1:] - found[1:].mean()


def _temperature(logits: Matrix, framing: npt.NDArray[np.int64], weights: Matrix) -> float:
    rows = np.arange(len(framing))

    def loss(factor: float) -> float:
        chances = probabilities(factor * logits, 0)[1]
        return float(weights @ item_log_loss(chances[rows, framing]))

    return float(minimize_scalar(loss, bounds=_FACTORS, method="bounded").x)
