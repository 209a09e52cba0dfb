"""`framing-train folds`: counts, clusters and sizes."""

import json
from itertools import product
from pathlib import Path

import pytest

from training.__main__ import main

NAMES = ["".join(pair) for pair in product("abcdef", repeat=2)]
REPORT = "the minister said on monday that the harbour will open in may after nine years of works and two trials"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    texts = [REPORT, f"breaking: {REPORT}", *(f"{name}a {name}b {name}c {name}d" for name in NAMES[:28])]
    rows = [{"id": f"i{n}", "lang": "en", "title": "", "text": text, "label": "ab"[n % 2], "outlet": f"o{n % 10}"}
            for n, text in enumerate(texts)]  # fmt: skip
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = tmp_path / "set.toml"
    path.write_text(
        'protocol = "validation"\nmetrics = ["accuracy"]\nbaseline = "svm"\nfolds = { count = 5 }\n'
        '[data]\npaths = ["data.jsonl"]\ngroups = ["outlet"]\ncolumns = { labels = "label" }\n'
    )
    return path


def test_the_command_prints_one_object(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["folds", "--config", str(config), "--data-dir", str(config.parent), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert (report["items"], report["groups"]) == (30, {"outlet": 10})
    assert report["duplicates"] == {"clusters": 1, "items": 2, "largest": [{"size": 2, "ids": ["i0", "i1"]}]}
    assert sum(fold["test"] for fold in report["folds"]) == 30
    assert sum(fold["left_out"] for fold in report["folds"]) in {0, 2}  # a copy on the other side is left out


def test_the_command_prints_a_table(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["folds", "--config", str(config), "--data-dir", str(config.parent)])
    table = capsys.readouterr().out
    assert "30 items, 10 of outlet" in table
    assert "1 clusters of near-duplicates with 2 items; the largest:\n      2  i0, i1\n" in table


def test_our_own_format_needs_no_mapping(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = {"lang": "en", "title": "T", "topics": [], "framing": "neutral"}
    rows = [{**own, "id": f"i{n}", "text": f"{name}a {name}b {name}c", "story": f"s{n // 2}"}
            for n, name in enumerate(NAMES[:20])]  # fmt: skip
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(SystemExit, match="0"):
        main(["folds", "--set", f'data.paths=["{tmp_path}/own.jsonl"]', "--set", "folds.count=5", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert [fold["test"] for fold in report["folds"]] == [4] * 5
