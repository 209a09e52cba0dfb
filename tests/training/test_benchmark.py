"""Benchmarks: every protocol on tiny generated sets, and the shipped configurations."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from framing.errors import ConfigError, DataError
from training.__main__ import main
from training.benchmark import METRICS, run_benchmark
from training.benchmark_config import DEFAULT_DATA, load_benchmark, load_data_config

STANCE = ("favor", "against", "none")
SAYINGS = {"favor": "yes good fine", "against": "no bad awful", "none": "maybe who knows"}


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def spelt(number: int) -> str:
    """Return `number` in letters: digits are all one to the duplicates."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def tweets(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Tweets without three words in a row in common."""
    rows = []
    for number in range(start, start + count):
        label, target = STANCE[number % 3], ("sea", "sky")[number // 3 % 2]
        words = [f"{word} {spelt(number)}w{spelt(place)}" for place, word in enumerate(SAYINGS[label].split())]
        text = " ".join(words) if number % 5 else f"odd {spelt(number)}x"
        rows.append({"id": str(number), "lang": "en", "target": target, "text": text, "label": label})
    return rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "train.jsonl", tweets(60))
    write(tmp_path / "validation.jsonl", tweets(12, start=60))
    write(tmp_path / "test.jsonl", tweets(18, start=72))
    (tmp_path / "tiny.toml").write_text(
        """
        protocol = "cross-validation"
        metrics = ["f1_scored", "f1_scored_by_target", "accuracy"]
        scored = ["favor", "against"]
        repeats = 2
        baseline = "svm"
        folds = { count = 3 }
        recipe = { balance = 1.0, tune = "shifts" }
        [data]
        paths = ["train.jsonl"]
        validation = ["validation.jsonl"]
        columns = { title = "", labels = "label", target = "target" }
        labels = ["against", "favor", "none"]
        [published.somebody]
        f1_scored = 0.5
        """
    )
    return tmp_path


def test_cross_validation_scores_every_item_once_a_round(folder: Path) -> None:
    report = run_benchmark(load_benchmark(str(folder / "tiny.toml")), folder)
    assert (report["protocol"], report["rounds"], report["scored"]) == ("cross-validation", 2, [72, 72])
    for side in ("recipe", "baseline"):
        assert report[side]["figures"]["f1_scored"] > 0.6
        assert len(report[side]["by_round"]["accuracy"]) == 2
        assert list(report[side]["f1_by_label"]) == ["against", "favor", "none"]
    difference = report["recipe"]["figures"]["accuracy"] - report["baseline"]["figures"]["accuracy"]
    assert report["difference"]["accuracy"] == pytest.approx(difference)


def test_a_test_part_is_scored_by_what_all_the_rest_taught(folder: Path) -> None:
    config = load_benchmark(str(folder / "tiny.toml"))
    report = run_benchmark(config, folder, test=folder / "test.jsonl")
    assert (report["protocol"], report["rounds"], report["fitted"], report["scored"]) == ("test", 1, 72, [18])
    less = run_benchmark(config.model_copy(update={"test_fit": "train"}), folder, test=folder / "test.jsonl")
    assert less["fitted"] == 60


def test_validation_fits_on_train_alone(folder: Path) -> None:
    settings = ["protocol=validation", "baseline=logistic", 'data.columns.target=""']
    report = run_benchmark(load_benchmark(str(folder / "tiny.toml"), settings), folder)
    assert (report["fitted"], report["scored"]) == (60, [12])
    assert report["baseline"]["name"] == "TF-IDF of word 1-2-grams, LogisticRegression"


def test_given_folds_are_rounds(folder: Path) -> None:
    frames = [["a"], ["b"], ["a", "b"]]
    texts = [f"{row['text']} {spelt(number)}" for number, row in enumerate(tweets(40))]
    headlines = [{"text": text, "labels": frames[number % 3]} for number, text in enumerate(texts)]
    for fold in range(2):
        write(folder / f"{fold}.train.jsonl", headlines[fold::2] + headlines[1 - fold :: 4])
        write(folder / f"{fold}.test.jsonl", headlines[3 - fold :: 4])
    settings = [
        "protocol=given-folds", 'data.paths=["0.train.jsonl","1.train.jsonl"]', "data.multi_label=true",
        'data.validation=["0.test.jsonl","1.test.jsonl"]', 'metrics=["f1_macro","f1_micro","exact_match"]',
        'data.labels=["a","b"]', 'data.columns={id="",title="",language=""}', "recipe.tune=threshold", "scored=[]",
    ]  # fmt: skip
    config = load_benchmark(str(folder / "tiny.toml"), settings)
    report = run_benchmark(config, folder)
    assert (report["rounds"], report["fitted"], report["scored"]) == (2, 30, [10, 10])
    figures = report["recipe"]["figures"]
    assert figures["f1_macro"] == pytest.approx(sum(report["recipe"]["by_round"]["f1_macro"]) / 2)
    assert run_benchmark(config, folder, test=folder / "0.test.jsonl")["fitted"] == 40


def test_the_command_prints_a_table_or_one_object(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["benchmark", str(folder / "tiny.toml"), "--data-dir", str(folder)]
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--json", "--test", str(folder / "test.jsonl")])
    printed = capsys.readouterr()
    assert json.loads(printed.out)["test"] == str(folder / "test.jsonl")
    assert "round 1 of 1: recipe" in printed.err
    with pytest.raises(SystemExit, match="0"):
        main(command)
    table = capsys.readouterr().out
    for line in ("recipe", "baseline", "difference", "somebody", "F1 by label"):
        assert f"\n{line}" in table


@pytest.mark.parametrize("command", ["benchmark", "folds"])
def test_no_data_is_one_clear_error(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = ["gvfc"] if command == "benchmark" else ["--config", "benchmarks/gvfc"]
    with pytest.raises(SystemExit, match="2"):
        main([command, *name, "--data-dir", str(tmp_path / "none")])
    assert f"{tmp_path}/none" in capsys.readouterr().err


def test_a_target_that_training_does_not_have(folder: Path) -> None:
    write(folder / "test.jsonl", [{**tweets(1)[0], "target": "land"}])
    with pytest.raises(DataError, match="expected items to fit on for the target 'land'"):
        run_benchmark(load_benchmark(str(folder / "tiny.toml")), folder, test=folder / "test.jsonl")


def test_unknown_settings_are_errors(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"recipe\.kernel: unknown setting"):
        load_benchmark(str(folder / "tiny.toml"), ["recipe.kernel=1"])


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(ConfigError, match="nothing: expected a shipped configuration or a TOML file"):
        load_benchmark("nothing")


@pytest.mark.parametrize("name", ["gvfc", "semeval2016", "mawqif", "allsides"])
def test_the_shipped_configurations(name: str) -> None:
    config = load_benchmark(name)
    assert set(config.metrics) <= set(METRICS)
    assert set(config.scored) <= set(config.data.known_labels)
    assert all(set(figures) <= set(config.metrics) for figures in config.published.values())
    assert load_data_config(f"benchmarks/{name}") == config


def test_gvfc_reaches_what_it_must() -> None:
    if not DEFAULT_DATA.is_dir():
        pytest.skip("the public sets of ../shared are not here")
    config = load_benchmark("gvfc", ["recipe.strengths=[0.1]", "recipe.characters=[2, 4]"])
    data = config.data.model_copy(update={"paths": config.data.paths[:1], "validation": config.data.validation[:1]})
    figures = run_benchmark(config.model_copy(update={"data": data}), DEFAULT_DATA)["recipe"]["figures"]
    assert figures["f1_micro"] > 0.75
