"""A small sound corpus of nonsense, made anew for each test that breaks it."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from framing.language import SUPPORTED
from framing.taxonomy import default_taxonomy
from training.corpus_balance import Least
from training.corpus_schema import HEADLINE, KINDS

Row = dict[str, Any]
Rows = list[Row]

LEAST = Least(items=84, framing_sets=3, topic_sets=2)
ABSENT_TIMES = 3  # of each kind, so that more than a third is absent
OUTLETS = ("Ambo Wire", "Belu Post", "Cori Gazette", "Dafo Line", "Eru Mirror")
SYLLABLES = ("ba", "co", "du", "fe", "gi", "lo", "mu", "na", "pe", "ri", "so", "tu", "va", "we", "xi", "zo")


def sound_rows(seed: int = 1) -> Rows:
    """Return rows that pass every gate with LEAST: each framing in each kind, three contrast sets and two."""
    draw = random.Random(seed)  # noqa: S311 no secret
    rows = [row for language in SUPPORTED for row in _language_rows(language, draw)]
    for language in SUPPORTED:
        part = [row for row in rows if row["lang"] == language]
        for number in range(LEAST.framing_sets):
            _join([row for row in part if row["kind"] == KINDS[number + 1]][:2], "framing")
        for number in range(LEAST.topic_sets):
            pair = [row for row in part if row["framing"] == "neutral"][2 * number + 6 :][:2]
            _join(pair, "topic")
            relabel(pair[0], topics=["diplomacy"])
            relabel(pair[1], topics=["defense"])
    return rows


def relabel(row: Row, **label: Any) -> None:
    """Give `row` a label that writer and coders agree on."""
    row.update(label)
    coding = {"topics": row["topics"], "framing": row["framing"]}
    row.update(writer=coding, coders=[coding, coding], resolution="")


def sentence(draw: random.Random, words: int = 9) -> str:
    """Return a sentence that nobody has written before."""
    return " ".join("".join(draw.choices(SYLLABLES, k=3)) for _ in range(words)).capitalize() + "."


def write_corpus(folder: Path, rows: Sequence[Row]) -> Path:
    """Write `rows` as a file for each language of theirs and return `folder`."""
    for language in dict.fromkeys(row.get("lang", "en") for row in rows):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows if row.get("lang", "en") == language]
        (folder / f"{language}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def changed(rows: Rows, change: Callable[[Rows], object]) -> Rows:
    """Return `rows` after `change` was made in them."""
    change(rows)
    return rows


def _join(rows: Rows, contrast: str) -> None:
    for row in rows:
        row.update(story=rows[0]["story"], contrast=contrast)


def _language_rows(language: str, draw: random.Random) -> Rows:
    cells = [(framing, kind) for kind in KINDS for framing in default_taxonomy().framing_ids]
    cells += [("absent", kind) for kind in KINDS] * (ABSENT_TIMES - 1)
    return [_row(f"{language}-{number:03}", language, *cell, draw) for number, cell in enumerate(cells)]


def _row(name: str, language: str, framing: str, kind: str, draw: random.Random) -> Row:
    row = {
        "id": name,
        "lang": language,
        "title": sentence(draw),
        "text": "" if kind == HEADLINE else f"{sentence(draw)} {sentence(draw)}",
        "outlet": draw.choice(OUTLETS),
        "story": f"story-{name}",
        "date": f"{draw.randint(2000, 2026)}-02-28",
        "kind": kind,
        "voice": "general",
        "prose": "plain",
        "contrast": "none",
        "subject": "general",
    }
    relabel(row, topics=draw.sample(["diplomacy", "defense", "conflict"], draw.randint(0, 3)), framing=framing)
    return row
