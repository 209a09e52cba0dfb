import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from training.labels import Labels
from training.metrics import (
    Predictions,
    accuracy,
    f1_by_label,
    f1_macro,
    f1_micro,
    framing_counts,
    one_against_rest,
    precision_recall,
    topic_counts,
)

RNG = np.random.default_rng(3)
N = 200
LABELS = Labels(RNG.integers(0, 2, (N, 3)), RNG.integers(0, 5, N), np.full(N, ""))
GIVEN = Predictions(
    topics=RNG.integers(0, 2, (N, 3)),
    framing=RNG.integers(0, 5, N),
    topic_probabilities=RNG.random((N, 3)),
    framing_probabilities=RNG.random((N, 5)),
    answered=np.ones(N, dtype=bool),
)
WEIGHTS = RNG.random(N) + 0.1


@pytest.mark.parametrize("weights", [np.ones(N), WEIGHTS])
def test_topic_scores_are_those_of_scikit_learn(weights: np.ndarray) -> None:
    counts = (topic_counts(LABELS, GIVEN) * weights[:, None, None]).sum(axis=0)
    known = {"sample_weight": weights}
    assert f1_macro(counts) == pytest.approx(f1_score(LABELS.topics, GIVEN.topics, average="macro", **known))
    assert f1_micro(counts) == pytest.approx(f1_score(LABELS.topics, GIVEN.topics, average="micro", **known))
    precision, recall, _, _ = precision_recall_fscore_support(LABELS.topics, GIVEN.topics, **known)
    np.testing.assert_allclose(precision_recall(counts), (precision, recall))


@pytest.mark.parametrize("weights", [np.ones(N), WEIGHTS])
def test_framing_scores_are_those_of_scikit_learn(weights: np.ndarray) -> None:
    cells = (framing_counts(LABELS, GIVEN, 5) * weights[:, None, None]).sum(axis=0)
    known = {"sample_weight": weights}
    np.testing.assert_allclose(cells, confusion_matrix(LABELS.framing, GIVEN.framing, **known))
    assert accuracy(cells) == pytest.approx(accuracy_score(LABELS.framing, GIVEN.framing, **known))
    assert f1_macro(one_against_rest(cells)) == pytest.approx(
        f1_score(LABELS.framing, GIVEN.framing, average="macro", **known)
    )
    np.testing.assert_allclose(
        f1_by_label(one_against_rest(cells)), f1_score(LABELS.framing, GIVEN.framing, average=None, **known)
    )


def test_labels_that_never_occur_do_not_count() -> None:
    counts = np.array([[2.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    assert f1_macro(counts) == 1
    assert f1_macro(np.zeros((3, 2))) == 0
