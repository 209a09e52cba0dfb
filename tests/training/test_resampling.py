import numpy as np
import pytest

from training.metrics import ratio
from training.resampling import Resamples, interval

RNG = np.random.default_rng(3)


def mean(cells: np.ndarray) -> np.ndarray:
    return ratio(cells[..., 0], cells[..., 1])


def shares(values: np.ndarray) -> np.ndarray:
    return np.stack([values, np.ones(len(values))], axis=1)


def test_an_interval_holds_the_value_and_widens_when_items_of_a_story_agree() -> None:
    values = RNG.integers(0, 2, 200).astype(float)
    alone = [str(index) for index in range(200)]
    low, high = interval(shares(values), alone, mean)
    assert low < values.mean() < high
    copies = np.repeat(values[:20], 10)
    together = [str(index // 10) for index in range(200)]
    low_copies, high_copies = interval(shares(copies), together, mean)
    low_alone, high_alone = interval(shares(copies), alone, mean)
    assert high_copies - low_copies > 1.5 * (high_alone - low_alone)


def test_intervals_hold_the_true_share_about_as_often_as_they_say() -> None:
    """Stories of five alike items, a share of 0.3: of 200 corpora about 95 % have an interval around it."""
    held = 0
    for _ in range(200):
        values = np.repeat((RNG.random(80) < 0.3).astype(float), 5)
        low, high = interval(shares(values), [str(index // 5) for index in range(400)], mean)
        held += low <= 0.3 <= high
    assert 0.90 <= held / 200 <= 0.99


def test_an_interval_is_as_wide_as_theory_says() -> None:
    values = (np.arange(1000) % 10 < 3).astype(float)
    low, high = interval(shares(values), [str(index) for index in range(1000)], mean)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.3 * 0.7 / 1000), rel=0.1)


def test_resampled_weights_and_resampled_sums_say_the_same() -> None:
    values, weights = RNG.random(60), RNG.random(60)
    resamples = Resamples([str(index // 3) for index in range(60)])
    of_sums = resamples.of_sums(shares(values) * weights[:, None], mean)
    of_weights = resamples.of_weights(weights, lambda drawn: (drawn * values).sum(axis=1) / drawn.sum(axis=1))
    assert of_sums == pytest.approx(of_weights)


def test_the_seed_fixes_the_interval() -> None:
    values, stories = shares(RNG.random(50)), [str(index) for index in range(50)]
    assert interval(values, stories, mean) == interval(values, stories, mean)
    assert interval(values, stories, mean) != interval(values, stories, mean, seed=1)
