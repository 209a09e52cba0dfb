import numpy as np
import pytest

from training.selective import accuracy_at, area_under_risk, coverage_risk, curve

CONFIDENCE = np.array([0.9, 0.1, 0.8, 0.2])
RIGHT = np.array([1.0, 0.0, 1.0, 0.0])


def test_risk_falls_when_the_least_confident_are_withheld() -> None:
    coverage, risk = coverage_risk(CONFIDENCE, RIGHT, np.ones(4))
    np.testing.assert_allclose(coverage, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(risk, [0, 0, 1 / 3, 0.5])
    assert area_under_risk(CONFIDENCE, RIGHT, np.ones(4)) == pytest.approx((1 / 3 + 0.5) / 4)


def test_accuracy_at_a_coverage_counts_the_last_item_in_part() -> None:
    at = [float(accuracy_at(share, CONFIDENCE, RIGHT, np.ones(4))) for share in (0.5, 0.625, 0.75, 1.0)]
    assert at == pytest.approx([1, 2 / 2.5, 2 / 3, 0.5])


def test_accuracy_at_a_coverage_goes_by_weight_and_takes_many_weightings() -> None:
    heavy = np.array([1.0, 1.0, 1.0, 7.0])
    assert float(accuracy_at(0.7, CONFIDENCE, RIGHT, heavy)) == pytest.approx(2 / 7)
    both = accuracy_at(0.7, CONFIDENCE, RIGHT, np.stack([np.ones(4), heavy]))
    np.testing.assert_allclose(both, [2 / 2.8, 2 / 7])


def test_the_curve_has_few_points_and_both_ends() -> None:
    rng = np.random.default_rng(1)
    points = curve(rng.random(5000), rng.integers(0, 2, 5000).astype(float), np.ones(5000))
    assert len(points) == 101
    assert points[-1]["coverage"] == 1
    confidences = [point["confidence"] for point in points]
    assert confidences == sorted(confidences, reverse=True)
