"""Labels of items as arrays, and what the items weigh."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from framing.taxonomy import Taxonomy
from training.config import Classifier
from training.data import LabelledItem
from training.folds import Rows
from training.pipelines import Matrix

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of n items as arrays: `topics` (n, T) of 0 and 1, `framing` (n,) of indices; and their `prose` (n,)."""

    topics: npt.NDArray[np.int64]
    framing: npt.NDArray[np.int64]
    prose: npt.NDArray[np.str_]

    @classmethod
    def of(cls, items: Sequence[LabelledItem], taxonomy: Taxonomy) -> "Labels":
        """Return the labels of `items` in the taxonomy's order."""
        topics = [[int(topic in item.topics) for topic in taxonomy.topic_ids] for item in items]
        framing = [taxonomy.framing_ids.index(item.framing) for item in items]
        prose = np.array([item.prose for item in items], dtype=np.str_)
        return cls(np.array(topics).reshape(len(items), len(taxonomy.topics)), np.array(framing, dtype=np.int64), prose)

    def at(self, rows: npt.NDArray[np.int64]) -> "Labels":
        """Return the labels of some of the items."""
        return Labels(self.topics[rows], self.framing[rows], self.prose[rows])

    def weights(self, settings: Classifier) -> Matrix:
        """Return what the items weigh by their prose, (n,), from 0 to 1."""
        return np.array([settings.prose.get(prose, 1.0) for prose in self.prose.tolist()])

    def measured(self, settings: Classifier) -> Rows:
        """Return which items are measured on: those of full weight."""
        return np.flatnonzero(self.weights(settings) == 1)


def topic_weights(present: npt.NDArray[np.int64], prior: float | None) -> Matrix:
    """Return item weights, of mean 1, under which the topic is present in a share of `prior` of the items."""
    if prior is None:
        return np.ones(len(present))
    share = np.clip(present.mean(), _TINY, 1 - _TINY)
    weights: Matrix = np.where(present == 1, prior / share, (1 - prior) / (1 - share))
    return weights


def framing_weights(labels: Labels, settings: Classifier, taxonomy: Taxonomy) -> Matrix:
    """Return item weights, those of their prose, under which the framings have the shares of the prior."""
    given = labels.weights(settings)
    if not settings.prior:
        return given
    shares = np.bincount(labels.framing, given, minlength=len(taxonomy.framings)) / max(_TINY, given.sum())
    wanted = np.array([settings.prior.get(label, 0.0) for label in taxonomy.framing_ids])
    weights: Matrix = (wanted / np.maximum(shares, _TINY))[labels.framing] * given
    weights *= given.sum() / max(_TINY, weights.sum())
    return weights


def prose_weights(labels: Labels, settings: Classifier, taxonomy: Taxonomy) -> Matrix:
    """Return item weights, of mean 1, of which each prose has as much as another, with the prior's shares in each."""
    alike = settings.model_copy(update={"prose": {}})
    weights: Matrix = np.zeros(len(labels.framing))
    for prose in np.unique(labels.prose):
        rows = np.flatnonzero(labels.prose == prose)
        given = framing_weights(labels.at(rows), alike, taxonomy)
        weights[rows] = given / max(_TINY, given.sum())
    weights *= len(weights) / max(_TINY, weights.sum())
    return weights
