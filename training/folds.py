"""Which items belong together, and folds that never part them."""

from collections.abc import Hashable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import DisjointSet
from sklearn.model_selection import StratifiedGroupKFold

from framing.errors import DataError

Rows = npt.NDArray[np.int64]
Fold = tuple[Rows, Rows]


def merged_groups(columns: Sequence[Sequence[Hashable]]) -> list[int]:
    """Return a number for each item: items that share a value in any of `columns`, or a chain of such, have the same.

    A blank value is shared with nobody.
    """
    items = DisjointSet(range(len(columns[0])))
    for column in columns:
        first: dict[Hashable, int] = {}
        for row, value in enumerate(column):
            if value != "":
                items.merge(first.setdefault(value, row), row)
    return numbered(items)


def numbered(items: DisjointSet) -> list[int]:
    """Return the number of each item's subset, counted as they come."""
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(items[item], len(numbers)) for item in items]


def disjoint_folds(
    groups: Sequence[int],
    count: int,
    *,
    strata: Sequence[Hashable],
    apart: Sequence[int] | None = None,
    seed: int = 0,
) -> Iterator[Fold]:
    """Yield (train, test) rows of `count` folds that part no group and spread the `strata` evenly.

    Every item is tested once. Items that share a value of `apart` with a tested one are left out of the
    rows to train on: so outlets whose wire copies chain them together still fall into different folds. Raises
    DataError for too few items.
    """
    if len(set(groups)) < count:
        raise DataError(f"expected at least {count} groups of items for {count} folds, got {len(set(groups))}")
    _, kinds, sizes = np.unique([str(stratum) for stratum in strata], return_inverse=True, return_counts=True)
    if sizes.max() < count:
        raise DataError(f"expected at least {count} items of one kind for {count} folds, got {sizes.max()} at most")
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for train, test in splitter.split(kinds, kinds, groups):
        yield train if apart is None else _without(train, test, np.asarray(apart)), test


def value_folds(values: Sequence[str], *, apart: Sequence[int]) -> Iterator[Fold]:
    """Yield (train, test) rows, a fold for each of `values` in sorted order, whose items are the tested ones.

    Items that share a value of `apart` with a tested one are left out of the rows to train on.
    """
    column = np.asarray(values)
    for value in sorted(set(values)):
        test = np.flatnonzero(column == value)
        yield _without(np.flatnonzero(column != value), test, np.asarray(apart)), test


def article_folds(
    columns: Sequence[Sequence[str]], reports: Sequence[int], count: int, *, strata: Sequence[Hashable], seed: int = 0
) -> Iterator[Fold]:
    """Yield folds that are disjoint by each of `columns`, and by `reports`: what tells one story or is one text.

    Without columns the reports are the groups. With them the columns are, and of a report that falls
    into several folds only the part in the tested fold is seen: else a few wire copies would chain
    nearly all outlets into one group (26 thousand AllSides articles: 21 thousand in one of 140 groups).
    """
    if columns:
        yield from disjoint_folds(merged_groups(columns), count, strata=strata, apart=reports, seed=seed)
    else:
        yield from disjoint_folds(reports, count, strata=strata, seed=seed)


def _without(train: Rows, test: Rows, apart: Rows) -> Rows:
    kept: Rows = train[~np.isin(apart[train], apart[test])]
    return kept


def gathered(folds: Sequence[Fold], given: Sequence[npt.NDArray[np.float64]]) -> tuple[npt.NDArray[np.float64], Rows]:
    """Return the scores `given` for what each of `folds` tests, as (n, L), and which fold tests each item, (n,)."""
    order = np.argsort(np.concatenate([test for _, test in folds]))
    fold = np.repeat(np.arange(len(folds)), [len(test) for _, test in folds])
    return np.vstack(given)[order], fold[order]
