import dataclasses

import pytest

from training.data import LabelledItem
from training.slices import length_bucket, slices_of


@pytest.mark.parametrize(
    ("words", "bucket"),
    [
        (0, "000-039"),
        (39, "000-039"),
        (40, "040-079"),
        (159, "080-159"),
        (160, "160-319"),
        (320, "320-"),
        (9999, "320-"),
    ],
)
def test_length_buckets_meet_at_their_bounds(words: int, bucket: str) -> None:
    assert length_bucket(words) == bucket


def test_every_item_is_in_one_slice_of_each_way(some_items: list[LabelledItem]) -> None:
    bare = dataclasses.replace(some_items[0], kind="", voice="", outlet="")
    slices = slices_of([*some_items, bare])
    assert set(slices) == {"by_language", "by_kind", "by_length", "by_outlet", "by_voice"}
    assert all(len(names) == len(some_items) + 1 for names in slices.values())
    assert slices["by_kind"][-1] == slices["by_voice"][-1] == slices["by_outlet"][-1] == "(none)"
    assert set(slices["by_language"]) == {"ar", "en", "fa", "ru"}
