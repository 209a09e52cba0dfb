import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framing.taxonomy import default_taxonomy
from tests.training.corpus_maker import Row, sound_rows
from training.corpus_schema import HEADLINE, read_corpus


def coding(framing: str = "absent", *topics: str) -> dict[str, Any]:
    return {"topics": list(topics), "framing": framing}


def codes(label: dict[str, Any], writer: dict[str, Any], *coders: dict[str, Any], why: str) -> dict[str, Any]:
    return {**label, "writer": writer, "coders": list(coders), "resolution": why}


A, B, C = coding("absent"), coding("neutral"), coding("threat")
TALK, ARMS, BOTH = (coding("absent", *topics) for topics in (["diplomacy"], ["defense"], ["diplomacy", "defense"]))

SOUND = [
    codes(A, A, A, A, why=""),
    codes(A, B, A, A, why=""),  # the coders decide, not the writer
    codes(A, A, A, B, why="rule 1"),
    codes(TALK, A, TALK, BOTH, why="a fifth of the text"),
    codes(BOTH, A, TALK, BOTH, why="a fifth of the text"),
    codes(A, A, TALK, ARMS, why="neither is substantial"),
]
UNSOUND = {
    "framing: expected 'absent', as both coders decided, got 'neutral'": codes(B, B, A, A, why="no"),
    "diplomacy: expected 'given', as both coders decided, got 'not given'": codes(ARMS, A, TALK, BOTH, why="no"),
    "resolution: expected an empty one": codes(A, A, A, A, why="rule 1"),
    "resolution: expected a reason": codes(A, A, A, B, why=" "),
    "framing: the writer and both coders give three framings": codes(A, C, A, B, why="rule 1"),
    "coders: expected 2 objects of topics and framing, got 1": codes(A, A, A, why=""),
    "coders: expected 2 objects of topics and framing, got 2": codes(A, A, A, {"framing": "absent"}, why=""),
    "writer: expected an object": codes(A, {}, A, A, why=""),
    "coders[1].framing: expected one of": codes(A, A, A, coding("none"), why="typing error"),
}
BROKEN: dict[str, Callable[[Row], object]] = {
    "outlet: missing": lambda row: row.pop("outlet"),
    "writer, coders, resolution: missing": lambda row: [row.pop(name) for name in ("writer", "coders", "resolution")],
    "title: expected str, got int": lambda row: row.update(title=7),
    "topics: expected a list of str": lambda row: row.update(topics=[1]),
    "mood: unknown column": lambda row: row.update(mood="good"),
    "story: expected a value, got a blank one": lambda row: row.update(story=" "),
    "lang: expected one of": lambda row: row.update(lang="fa"),
    "kind: expected one of": lambda row: row.update(kind="essay"),
    "voice: expected one of": lambda row: row.update(voice="loud"),
    "contrast: expected one of": lambda row: row.update(contrast="outlet"),
    "topics: expected one of": lambda row: row.update(topics=["sport"]),
    "topics: expected distinct labels": lambda row: row.update(topics=["defense", "defense"]),
    "text: expected none, a headline stands alone": lambda row: row.update(kind=HEADLINE),
    "title: expected a headline": lambda row: row.update(title=" "),
    "text: expected one, as every report": lambda row: row.update(text=""),
    "id: expected a new one": lambda row: row.update(id="en-000"),
}


def faults_after(folder: Path, change: Callable[[Row], object]) -> list[str]:
    """Return what is wrong with a report that was changed, in the second line of a file of English items."""
    english = [row for row in sound_rows() if row["lang"] == "en"]
    rows = [english[0], next(row for row in english if row["kind"] == "report")]
    change(rows[1])
    (folder / "en.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return [str(fault) for fault in read_corpus(folder, default_taxonomy())[1]]


@pytest.mark.parametrize("message", BROKEN)
def test_each_fault_is_named_with_its_place(message: str, tmp_path: Path) -> None:
    found = faults_after(tmp_path, BROKEN[message])
    assert any(
        re.match(rf"{re.escape(str(tmp_path))}/en.jsonl:2: en-\d+: {re.escape(message)}", fault) for fault in found
    )


@pytest.mark.parametrize("date", ["1999-12-31", "2027-01-01", "2025-02-29", "20250101", "2025-1-1", "", "yesterday"])
def test_dates_are_days_of_our_time(date: str, tmp_path: Path) -> None:
    (fault,) = faults_after(tmp_path, lambda row: row.update(date=date))
    assert fault.endswith(f"date: expected a day as YYYY-MM-DD in 2000 to 2026, got {date!r}")


@pytest.mark.parametrize("values", SOUND)
def test_labels_that_follow_from_the_coders_are_sound(values: dict[str, Any], tmp_path: Path) -> None:
    assert faults_after(tmp_path, lambda row: row.update(values)) == []


@pytest.mark.parametrize("message", UNSOUND)
def test_labels_that_do_not_follow_are_faults(message: str, tmp_path: Path) -> None:
    found = faults_after(tmp_path, lambda row: row.update(UNSOUND[message]))
    assert any(message in fault for fault in found)


def test_a_row_that_cannot_be_read_gives_no_item_and_one_without_codings_does(tmp_path: Path) -> None:
    faults_after(tmp_path, lambda row: row.pop("kind"))
    assert len(read_corpus(tmp_path, default_taxonomy())[0]) == 1
    faults_after(tmp_path, lambda row: row.pop("coders"))
    items, _ = read_corpus(tmp_path, default_taxonomy())
    assert [len(item.coders) for item in items] == [2, 0]
