import itertools

import pytest

from framing.taxonomy import Taxonomy
from training.config import Config
from training.data import LabelledItem
from training.learning_curve import SHARES, learning_curve, share_of_stories


def test_a_smaller_share_is_part_of_a_larger_one_and_stories_stay_whole(some_items: list[LabelledItem]) -> None:
    parts = [{item.id for item in share_of_stories(some_items, share)} for share in SHARES]
    assert all(smaller < larger for smaller, larger in itertools.pairwise(parts))
    assert parts[-1] == {item.id for item in some_items}
    half = {item.story for item in share_of_stories(some_items, 0.5)}
    assert not half & {item.story for item in some_items if item.id not in parts[1]}


def test_each_share_is_fitted_and_measured(
    small_config: Config, some_items: list[LabelledItem], taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.learning_curve.SHARES", (0.5, 1.0))
    tiny = small_config.model_copy(update={"features": small_config.features.model_copy(update={"most_ngrams": 500})})
    points = list(learning_curve(tiny, some_items[:200], some_items[200:260], taxonomy))
    assert [share for share, *_ in points] == [0.5, 1.0]
    assert points[0][1] < points[1][1] == 200
    assert [report["items"] for *_, report in points] == [60, 60]
