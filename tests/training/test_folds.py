"""Folds: what belongs together stays together."""

import numpy as np
import pytest

from framing.errors import DataError
from training.folds import article_folds, disjoint_folds, merged_groups


def test_a_shared_value_in_any_column_joins() -> None:
    stories = ["a", "a", "b", "c", "d", ""]
    outlets = ["x", "y", "y", "z", "", ""]
    assert merged_groups([stories, outlets]) == [0, 0, 0, 1, 2, 3]
    assert merged_groups([stories]) == [0, 0, 1, 2, 3, 4]


def test_folds_test_every_item_once_and_part_no_group() -> None:
    groups = [row // 3 for row in range(60)]
    strata = ["even" if group % 2 else "odd" for group in groups]
    folds = list(disjoint_folds(groups, 4, strata=strata, seed=1))
    assert sorted(row for _, test in folds for row in test) == list(range(60))
    for train, test in folds:
        assert not {groups[row] for row in train} & {groups[row] for row in test}
        assert {strata[row] for row in test} == {"even", "odd"}


def test_the_seed_decides_the_folds() -> None:
    def tested(seed: int) -> list[list[int]]:
        return [test.tolist() for _, test in disjoint_folds(range(40), 4, strata=[0, 1] * 20, seed=seed)]

    assert tested(1) == tested(1) != tested(2)


def test_outlets_that_copy_from_each_other_still_fall_into_different_folds() -> None:
    """Every outlet shares a report with the next, a chain that would make them one group."""
    outlets = [f"outlet {row // 4}" for row in range(40)]
    reports = [row if row % 4 else (row - 1) % 40 for row in range(40)]
    for train, test in article_folds([outlets], reports, 5, strata=[0] * 40):
        assert not {outlets[row] for row in train} & {outlets[row] for row in test}
        assert not {reports[row] for row in train} & {reports[row] for row in test}
        assert len(train) + len(test) < 40


def test_without_columns_reports_are_the_groups() -> None:
    reports = [row // 2 for row in range(20)]
    for train, test in article_folds([], reports, 5, strata=[0] * 20):
        assert sorted([*train, *test]) == list(range(20))
        assert not np.isin(np.asarray(reports)[train], np.asarray(reports)[test]).any()


def test_too_few_groups_are_an_error() -> None:
    with pytest.raises(DataError, match="expected at least 3 groups of items for 3 folds, got 2"):
        list(disjoint_folds([0, 0, 1], 3, strata=[0, 0, 0]))
    with pytest.raises(DataError, match="expected at least 3 items of one kind for 3 folds, got 2 at most"):
        list(disjoint_folds([0, 1, 2, 3], 3, strata=["x", "x", "y", "y"]))
