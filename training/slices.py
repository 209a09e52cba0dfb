"""Which slices of the items are looked at: by language, form, length, outlet and voice."""

from bisect import bisect_right
from collections.abc import Sequence

from training.data import LabelledItem, word_count

NONE = "(none)"
_BOUNDS = (0, 40, 80, 160, 320)  # words


def slices_of(items: Sequence[LabelledItem]) -> dict[str, list[str]]:
    """Return, for each way of slicing, the name of the slice that each item is in."""
    return {
        "by_language": [item.lang or NONE for item in items],
        "by_kind": [item.kind or NONE for item in items],
        "by_length": [length_bucket(word_count(item)) for item in items],
        "by_outlet": [item.outlet or NONE for item in items],
        "by_voice": [item.voice or NONE for item in items],
    }


def length_bucket(words: int) -> str:
    """Return the bucket of a number of words, such as ``040-079`` or ``320-``: names sort as the numbers do."""
    place = bisect_right(_BOUNDS, words)
    upper = f"{_BOUNDS[place] - 1:03}" if place < len(_BOUNDS) else ""
    return f"{_BOUNDS[place - 1]:03}-{upper}"
