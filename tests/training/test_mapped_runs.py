"""`fit` and `evaluate` on data that is not in our own format."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from framing.taxonomy import Taxonomy
from training.__main__ import main
from training.config import load_config
from training.data import LabelledItem, configured_corpus

MAPPING = """
[data]
test = ["{folder}/foreign.csv"]
paths = ["{folder}/foreign.csv"]
separator = "|"
columns = {{ id = "n", language = "l", title = "h", text = "b", topics = "about", framing = "how", outlet = "", story = "s" }}
[data.framing_names]
missing = "absent"
"""


@pytest.fixture
def config(tmp_path: Path, some_items: Sequence[LabelledItem]) -> Path:
    with (tmp_path / "foreign.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["n", "l", "h", "b", "about", "how", "s"])
        for item in some_items[:30]:
            framing = "missing" if item.framing == "absent" else item.framing
            writer.writerow([item.id, item.lang, item.title, item.text, "|".join(item.topics), framing, item.story])
    path = tmp_path / "mapped.toml"
    path.write_text(MAPPING.format(folder=tmp_path))
    return path


def test_fit_reads_mapped_data(config: Path, some_items: Sequence[LabelledItem], taxonomy: Taxonomy) -> None:
    items = configured_corpus(load_config(str(config)).data, taxonomy).items
    assert [(item.id, item.topics, item.framing) for item in items] == [
        (item.id, item.topics, item.framing) for item in some_items[:30]
    ]


@pytest.mark.parametrize("named", [True, False])
def test_evaluate_reads_mapped_data(
    *, named: bool, config: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(config.parent / "foreign.csv")] if named else []
    with pytest.raises(SystemExit, match="0"):
        main(["evaluate", "--config", str(config), *data, "--model", str(bundle), "--json"])
    assert json.loads(capsys.readouterr().out)["items"] == 30


def test_evaluate_of_nothing_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "--json"])
    assert "expected --data FILE, or data.test in the configuration" in capsys.readouterr().err
