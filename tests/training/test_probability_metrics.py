import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.metrics import log_loss as scikit_log_loss

from training.probability_metrics import Ranking, calibration_bins, expected_calibration_error, log_loss

RNG = np.random.default_rng(5)
PRESENT = RNG.integers(0, 2, 300)
SCORES = RNG.random(300).round(2)  # so that there are ties
WEIGHTS = RNG.random(300) + 0.1


@pytest.mark.parametrize("weights", [np.ones(300), WEIGHTS])
def test_average_precision_is_that_of_scikit_learn(weights: np.ndarray) -> None:
    mine = Ranking(SCORES, PRESENT).average_precision(weights)
    assert float(mine) == pytest.approx(average_precision_score(PRESENT, SCORES, sample_weight=weights))


def test_many_weightings_are_ranked_at_once() -> None:
    ranking, drawn = Ranking(SCORES, PRESENT), RNG.random((4, 300))
    np.testing.assert_allclose(
        ranking.average_precision(drawn), [ranking.average_precision(weights) for weights in drawn]
    )


def test_precision_and_recall_are_those_of_scikit_learn() -> None:
    precision, recall = Ranking(SCORES, PRESENT).precision_recall(WEIGHTS)
    theirs = precision_recall_curve(PRESENT, SCORES, sample_weight=WEIGHTS)
    np.testing.assert_allclose(precision, theirs[0][-2::-1])
    np.testing.assert_allclose(recall, theirs[1][-2::-1])


def test_average_precision_of_four_items_by_hand() -> None:
    ranking = Ranking(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, 0]))
    assert float(ranking.average_precision(np.ones(4))) == pytest.approx((1 + 2 / 3) / 2)
    assert float(Ranking(np.array([0.5, 0.4]), np.array([0, 0])).average_precision(np.ones(2))) == 0


def test_log_loss_is_that_of_scikit_learn() -> None:
    given = np.where(PRESENT == 1, SCORES, 1 - SCORES).clip(0.01, 0.99)
    theirs = scikit_log_loss(PRESENT, SCORES.clip(0.01, 0.99), sample_weight=WEIGHTS)
    assert log_loss(given, WEIGHTS) == pytest.approx(theirs)


def test_perfect_confidence_has_no_calibration_error() -> None:
    right = np.array([1.0, 1.0, 0.0, 0.0])
    assert expected_calibration_error(right, right, np.ones(4)) == 0
    assert expected_calibration_error(np.full(4, 0.9), right, np.ones(4)) == pytest.approx(0.4)
    assert log_loss(np.full(4, 0.5), np.ones(4)) == pytest.approx(np.log(2))


def test_bins_and_their_error_by_hand() -> None:
    """Bin 0.2–0.3 holds 0.2 and 0.28, one right; bin 0.9–1 holds 0.9 twice, 1 once, weighing 2, all right."""
    confidence, right = np.array([0.2, 0.28, 0.9, 0.9, 1.0]), np.array([1.0, 0, 1, 1, 1])
    weights = np.array([1.0, 1, 1, 1, 2])
    first, second = calibration_bins(confidence, right, weights)
    assert (first.items, second.items) == (2, 3)
    assert (first.confidence, first.accuracy, first.share) == pytest.approx((0.24, 0.5, 2 / 6))
    assert (second.confidence, second.accuracy, second.share) == pytest.approx((0.95, 1.0, 4 / 6))
    error = expected_calibration_error(confidence, right, weights)
    assert error == pytest.approx(2 / 6 * 0.26 + 4 / 6 * 0.05)
