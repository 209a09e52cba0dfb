import numpy as np
import pytest

from training.metrics import Matrix, accuracy
from training.resampling import Resamples

ITEMS, STORIES = 600, 200


@pytest.fixture(scope="module")
def stories() -> list[str]:
    return [f"story-{number % STORIES}" for number in range(ITEMS)]


def confusion(right: Matrix) -> Matrix:
    """Two classes; the true one is always the first."""
    return np.stack([np.stack([right, 1 - right], axis=-1), np.zeros((len(right), 2))], axis=1)


def answers(share: float, seed: int) -> Matrix:
    return (np.random.default_rng(seed).random(ITEMS) < share).astype(float)


def test_a_model_does_not_differ_from_itself(stories: list[str]) -> None:
    counts = confusion(answers(0.8, 1))
    found = Resamples(stories).difference(counts, counts, accuracy, confidence=0.95)
    assert (found.difference, found.low, found.high, found.not_greater) == (0, 0, 0, 1)


def test_a_better_model_is_seen_as_better_and_turned_round_as_worse(stories: list[str]) -> None:
    resamples = Resamples(stories)
    bad, good = confusion(answers(0.7, 1)), confusion(answers(0.85, 2))
    found = resamples.difference(bad, good, accuracy, confidence=0.95)
    assert 0 < found.low < found.difference < found.high
    assert found.difference == pytest.approx(found.after - found.before)
    assert found.not_greater < 0.001
    back = resamples.difference(good, bad, accuracy, confidence=0.95)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_the_interval_is_that_of_the_paired_difference_over_stories() -> None:
    """With one item a story the standard error of the difference is known: sqrt(var(d) / n)."""
    first, second = answers(0.8, 3), answers(0.8, 4)
    resamples = Resamples([str(number) for number in range(ITEMS)])
    found = resamples.difference(confusion(first), confusion(second), accuracy, confidence=0.95)
    expected = 1.96 * (second - first).std() / np.sqrt(ITEMS)
    assert (found.high - found.low) / 2 == pytest.approx(expected, rel=0.08)


def test_items_that_stand_or_fall_together_widen_the_interval(stories: list[str]) -> None:
    by_story = np.tile(answers(0.8, 5)[:STORIES], ITEMS // STORIES)
    other = np.tile(answers(0.8, 6)[:STORIES], ITEMS // STORIES)
    pair = (confusion(by_story), confusion(other))
    grouped = Resamples(stories).difference(*pair, accuracy, confidence=0.95)
    alone = Resamples([str(number) for number in range(ITEMS)]).difference(*pair, accuracy, confidence=0.95)
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_a_slice_is_a_part_and_the_same_seed_gives_the_same_figures(stories: list[str]) -> None:
    rows = np.arange(ITEMS) < 100
    pair = (confusion(answers(0.7, 1)), confusion(answers(0.85, 2)))
    part, again = (Resamples(stories, seed=3).difference(*pair, accuracy, rows=rows, confidence=0.9) for _ in "ab")
    assert part == again
    assert part.before == pytest.approx(answers(0.7, 1)[:100].mean())
    assert part != Resamples(stories, seed=4).difference(*pair, accuracy, rows=rows, confidence=0.9)


def test_a_wider_confidence_is_a_wider_interval(stories: list[str]) -> None:
    resamples = Resamples(stories)
    pair = (confusion(answers(0.8, 1)), confusion(answers(0.8, 2)))
    narrow, wide = (resamples.difference(*pair, accuracy, confidence=level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high
