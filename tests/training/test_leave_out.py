"""Outlets and languages that nothing was fitted on."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from framing.errors import DataError
from framing.taxonomy import Taxonomy
from tests.conftest import SMALL
from training import leave_out as module
from training.__main__ import main
from training.classifiers import Known
from training.config import Config
from training.data import LabelledItem, load_corpus
from training.leave_out import left_out_groups
from training.pipelines import FittedPipelines
from training.tables import leave_out_table
from training.trials import FIGURES


@pytest.fixture
def few_items(data_file: Path, taxonomy: Taxonomy) -> list[LabelledItem]:
    """Two languages, one story told in both, one outlet with a copy of another's text."""
    items = [item for item in load_corpus([data_file], taxonomy).items if item.lang in {"ar", "ru"}]
    arabic, russian = (next(item for item in items if item.lang == language) for language in ("ar", "ru"))
    told = dataclasses.replace(russian, id="told", story=arabic.story, text=f"{russian.text} Иначе.", outlet="Другие")
    copied = dataclasses.replace(russian, id="copied", story="copied", outlet="Третьи")
    return [*items, told, copied]


@pytest.mark.parametrize("kind", ["outlet", "language"])
def test_nothing_that_is_left_out_is_fitted_on(kind: Any, small_config: Config, few_items: list[LabelledItem]) -> None:
    groups = left_out_groups(kind, small_config, few_items)
    assert sorted(row for group in groups for row in group.test) == list(range(len(few_items)))
    for group in groups:
        train, test = ([few_items[row] for row in rows] for rows in (group.train, group.test))
        assert not {item.story for item in train} & {item.story for item in test}
        assert not {(item.title, item.text) for item in train} & {(item.title, item.text) for item in test}
        assert not {_value(item, kind) for item in train} & {_value(item, kind) for item in test}
    assert any(len(group.train) + len(group.test) < len(few_items) for group in groups)


def test_groups_are_languages_or_as_many_parts_as_folds(small_config: Config, few_items: list[LabelledItem]) -> None:
    assert [group.name for group in left_out_groups("language", small_config, few_items)] == ["ar", "ru"]
    parts = left_out_groups("outlet", small_config, few_items)
    assert [group.name for group in parts] == ["part 1", "part 2", "part 3"]


def test_too_few_to_leave_some_out_is_an_error(small_config: Config, few_items: list[LabelledItem]) -> None:
    one = [dataclasses.replace(item, lang="ru", outlet="") for item in few_items]
    with pytest.raises(DataError, match="at least 2 languages, to leave some out, got 1"):
        left_out_groups("language", small_config, one)
    with pytest.raises(DataError, match="at least 3 outlets, to leave some out, got 0"):
        left_out_groups("outlet", small_config, one)
    chained = [dataclasses.replace(item, groups=("all",)) for item in few_items]
    with pytest.raises(DataError, match="ar left out: expected items to fit on"):
        left_out_groups("language", small_config, chained)


def test_the_report_on_languages(
    data_file: Path, few_items: list[LabelledItem], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    fitted: list[set[str]] = []

    def spy(config: Config, known: Known, taxonomy: Taxonomy) -> FittedPipelines:
        fitted.append({item.lang for item in known.items})
        return fit_pipelines(config, known, taxonomy)

    fit_pipelines = module.fit_pipelines
    monkeypatch.setattr(module, "fit_pipelines", spy)
    report = _report(["language"], _two_languages(data_file, tmp_path), capsys)
    assert sorted(map(sorted, fitted)) == [["ar"], ["ru"]]
    assert set(report["groups"]) == set(report["report"]["by_language"]) == {"ar", "ru"}
    assert report["report"]["items"] == len(few_items) - 2 == sum(group["test"] for group in report["groups"].values())
    for figure in FIGURES:
        task, name = figure.split(".")
        values = {language: group[task][name] for language, group in report["groups"].items()}
        assert report["mean"][figure] == pytest.approx(sum(values.values()) / 2)
        worst = report["worst"][figure]
        assert worst["value"] == min(values.values()) == values[worst["group"]]
        assert report["groups"]["ar"][task] == report["report"]["by_language"]["ar"][task]


def test_outlets_stand_beside_the_folds_by_story(data_file: Path, tmp_path: Path, capsys: Any) -> None:
    paths = _two_languages(data_file, tmp_path)
    report = _report(["outlet", "--stories"], paths, capsys)
    for figure in FIGURES:
        task, name = figure.split(".")
        difference = report["stories"]["difference"][figure]
        assert difference["before"] == pytest.approx(report["stories"]["report"][task][name])
        assert difference["after"] == pytest.approx(report["report"][task][name])
        assert difference["low"] <= difference["difference"] <= difference["high"]
    lines = list(leave_out_table(report))
    assert [line.split("  ")[0] for line in lines[1:]] == [
        *report["groups"],
        "mean",
        "worst",
        "together",
        "folds by story",
        "difference",
    ]


def _report(arguments: Sequence[str], paths: str, capsys: Any) -> dict[str, Any]:
    settings = [f"data.paths={paths}", *SMALL, "features.most_ngrams=500", "features.joined=0"]
    with pytest.raises(SystemExit) as ended:
        main(["leave-out", *arguments, *(part for one in settings for part in ("--set", one)), "--json"])
    told = capsys.readouterr()
    assert ended.value.code == 0, told.err
    assert "items to fit" in told.err
    report: dict[str, Any] = json.loads(told.out)
    return report


def _two_languages(data_file: Path, folder: Path) -> str:
    rows = [line for line in data_file.read_text("utf-8").splitlines() if json.loads(line)["lang"] in {"ar", "ru"}]
    path = folder / "two.jsonl"
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return f'["{path}"]'


def _value(item: LabelledItem, kind: str) -> str:
    return item.lang if kind == "language" else item.outlet
