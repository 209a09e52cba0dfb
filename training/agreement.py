"""How far two coders agree beyond chance: Krippendorff's alpha for nominal labels, with bootstrap intervals.

Krippendorff (2011), "Computing Krippendorff's alpha-reliability", sections A to C. Alpha is computed from
counts that add up over items, as the scores of metrics.py are, so that the same resampling serves.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from framing.taxonomy import Taxonomy
from training.corpus_schema import CODERS, CorpusItem
from training.resampling import Matrix, interval

Agreement = dict[str, Any]


def coincidences(ratings: Sequence[Sequence[str | None]], labels: Sequence[str]) -> Matrix:
    """Return, for each unit rated by any number of coders (None: not rated), its part of the coincidence matrix.

    (n, 2, K): by label, the diagonal of the matrix and its marginal sum. A unit that fewer than two
    coders rated has no pairs and counts nothing.
    """
    counts = np.array([[list(unit).count(label) for label in labels] for unit in ratings], dtype=np.float64)
    counts = counts.reshape(len(ratings), len(labels))
    coders = counts.sum(axis=1, keepdims=True)
    paired = coders > 1
    same = np.divide(counts * (counts - 1), coders - 1, out=np.zeros_like(counts), where=paired)
    return np.stack([same, np.where(paired, counts, 0)], axis=1)


def nominal_alpha(sums: Matrix) -> Matrix:
    """Return alpha of (..., 2, K) summed coincidences.

    Where only one label occurs alpha is undefined (0/0); it is 0 here, since nothing shows that the
    coders can tell labels apart.
    """
    same, totals = sums[..., 0, :].sum(axis=-1), sums[..., 1, :]
    values = totals.sum(axis=-1)
    observed = (values - same) * (values - 1)
    expected = values**2 - (totals**2).sum(axis=-1)
    ratio = np.divide(observed, expected, out=np.ones_like(expected), where=expected > 0)
    return np.asarray(1 - ratio)


def agreement(items: Sequence[CorpusItem], taxonomy: Taxonomy) -> Agreement:
    """Return alpha, with 95 % intervals over resampled stories, of the framing, of each topic, and the topics' mean.

    Items that two coders did not code are left out; an empty report if there are no others.
    """
    coded = [item for item in items if len(item.coders) == CODERS]
    if not coded:
        return {}
    stories = [item.story for item in coded]
    framing = coincidences([[coding.framing for coding in item.coders] for item in coded], taxonomy.framing_ids)
    topics = np.stack([_topic_coincidences(coded, topic) for topic in taxonomy.topic_ids], axis=1)
    places = enumerate(taxonomy.topic_ids)
    return {
        "items": len(coded),
        "stories": len(set(stories)),
        "framing": _alpha(framing[:, None], stories),
        "topics": {topic: _alpha(topics[:, [place]], stories) for place, topic in places},
        "topics_mean": _alpha(topics, stories),
    }


def _topic_coincidences(items: Sequence[CorpusItem], topic: str) -> Matrix:
    return coincidences([[str(topic in coding.topics) for coding in item.coders] for item in items], ["False", "True"])


def _alpha(counts: Matrix, stories: Sequence[str]) -> dict[str, float]:
    """Return the mean alpha of the tasks in (n, tasks, 2, K), and its interval."""
    low, high = interval(counts, stories, _mean_alpha)
    return {"alpha": float(_mean_alpha(counts.sum(axis=0))), "low": low, "high": high}


def _mean_alpha(sums: Matrix) -> Matrix:
    return np.asarray(nominal_alpha(sums).mean(axis=-1))
