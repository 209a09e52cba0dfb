"""What a new corpus did to the old one: the part both hold alike is what two models can be judged on.

The items of the champion's corpus are the trusted ones: their labels have served, and for those that the new
corpus holds unchanged each model has a prediction made without them. Whatever is missing, rewritten or
relabelled is counted, since a corpus that drops its hard items makes any model look better.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from training.data import LabelledItem


@dataclass(frozen=True, slots=True)
class CorpusChanges:
    """Ids of trusted items: `common` (text unchanged), of which `relabelled`; `missing`; `changed` (text differs).

    `new` are the items of the new corpus that are not in the trusted one, or not with this text.
    """

    trusted: int
    common: tuple[str, ...]
    relabelled: tuple[str, ...]
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    new: tuple[LabelledItem, ...]


def corpus_changes(trusted: Sequence[LabelledItem], items: Sequence[LabelledItem]) -> CorpusChanges:
    """Return how `items` differ from the `trusted` ones, which are matched by id."""
    known = {item.id: item for item in trusted}
    now = {item.id: item for item in items}
    present = [item for item in trusted if item.id in now]
    common = [item for item in present if _text(item) == _text(now[item.id])]
    unchanged = {item.id for item in common}
    return CorpusChanges(
        trusted=len(known),
        common=tuple(item.id for item in common),
        relabelled=tuple(item.id for item in common if _labels(item) != _labels(now[item.id])),
        missing=tuple(item.id for item in trusted if item.id not in now),
        changed=tuple(item.id for item in present if item.id not in unchanged),
        new=tuple(item for item in items if item.id not in unchanged),
    )


def names_its_outlet(item: LabelledItem) -> bool:
    """Return whether the outlet's name stands in the item's own text, where a model can read it as a label."""
    outlet = item.outlet.strip().casefold()
    return bool(outlet) and outlet in f"{item.title}\n{item.text}".casefold()


def _text(item: LabelledItem) -> tuple[str, str]:
    return item.title, item.text


def _labels(item: LabelledItem) -> tuple[frozenset[str], str]:
    return frozenset(item.topics), item.framing
