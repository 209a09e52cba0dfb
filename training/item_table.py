"""A corpus as a table in the tracking store, so that a run can be compared and repeated without its files."""

from collections.abc import Sequence
from dataclasses import fields

import pandas as pd

from training.data import LabelledItem

CORPUS_PATH = "corpus/items.parquet"
_NAMES = [field.name for field in fields(LabelledItem)]
_LISTS = ("topics", "groups")


def item_table(items: Sequence[LabelledItem]) -> pd.DataFrame:
    """Return `items` as a table, one row each."""
    rows = [
        {name: getattr(item, name) for name in _NAMES} | {name: list(getattr(item, name)) for name in _LISTS}
        for item in items
    ]
    return pd.DataFrame(rows, columns=_NAMES)


def table_items(table: pd.DataFrame) -> list[LabelledItem]:
    """Return the items of a table that `item_table` made."""
    return [
        LabelledItem(**{**row, **{name: tuple(map(str, row[name])) for name in _LISTS}})
        for row in table[_NAMES].to_dict("records")
    ]
