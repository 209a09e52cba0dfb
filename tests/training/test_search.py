"""Searches on a small corpus: resumed, side by side, and reproduced."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
from mlflow import MlflowClient
from optuna.trial import TrialState

from framing.errors import ConfigError
from framing.taxonomy import Taxonomy
from tests.crashes import Store, check_dead_runs, check_study, killed_at
from tests.together import searches
from training import studies
from training.__main__ import main
from training.config import Config, load_config
from training.data import load_corpus
from training.fit import fit
from training.held_out import HeldOut
from training.run import read_all
from training.run_log import headline_metrics
from training.search import run_search
from training.search_config import load_search, with_settings
from training.search_outcome import config_text, search_outcome
from training.studies import next_or_last_trial, next_trial, open_study
from training.tracking import Tracking
from training.trials import FIGURES, Trials

SPACE = """
trials = 3
random = 2
unpruned = 2
[space]
features.exponent = { low = 0.3, high = 0.8 }
features.bigrams = { choices = [false, true] }
framing.kind = { choices = ["ridge", "svm"] }
framing.fields.pair = { low = 0.0, high = 2.0 }
topics.alpha = { low = 0.05, high = 2.0, log = true }
"""
SMALL = ("features.most_ngrams=1500", "features.greatest_ngram=4", "folds.count=3", "features.joined=20")


@pytest.fixture
def space(tmp_path: Path) -> Path:
    file = tmp_path / "space.toml"
    file.write_text(SPACE, "utf-8")
    return file


def settings(data_file: Path) -> list[str]:
    return [*SMALL, f'data.paths=["{data_file}"]']


def arguments(data_file: Path, space: Path, folder: Path) -> list[str]:
    sets = [argument for setting in settings(data_file) for argument in ("--set", setting)]
    store = f"sqlite:///{folder}/mlflow.db"
    return [
        "search", *sets, "--space", str(space), "--tracking-uri", store, "--json", "--output",
        str(folder / "found.toml"),
    ]  # fmt: skip


def searched(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    """Search here and return what was printed, and what was told meanwhile."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    told = capsys.readouterr()
    assert ended.value.code == 0, told.err
    return json.loads(told.out), told.err


def history(folder: Path) -> list[tuple[Any, ...]]:
    """Return settings, state and folds' figures of the trials that were not lost."""
    study = optuna.load_study(study_name="framing", storage=f"sqlite:///{folder}/search.db")
    kept = [trial for trial in study.trials if trial.state != TrialState.FAIL]
    return [(trial.params, trial.state, trial.intermediate_values, trial.value) for trial in kept]


@pytest.fixture
def folders(tmp_path: Path, empty_store: Path) -> list[Path]:
    places = [tmp_path / "whole", tmp_path / "killed"]
    for place in places:
        place.mkdir()
        shutil.copy(empty_store, place)
    return places


def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(
    few: Path, space: Path, folders: Sequence[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    whole, killed = folders
    figures, told = searched(arguments(few, space, whole), capsys)
    assert "3 of 3" in told
    assert "min left" in told
    difference, low, high = figures["difference"]["framing.accuracy"]
    assert difference == pytest.approx(figures["others"]["framing.accuracy"] - figures["base"]["framing.accuracy"])
    assert low <= difference <= high
    assert set(figures) == {"trial", "chosen", "others", "base", "difference"}
    killed_at(arguments(few, space, killed), "training.search_config:SearchConfig.value", call=5)  # in the second trial
    resumed, _ = searched(arguments(few, space, killed), capsys)
    assert resumed["chosen"] == figures["chosen"]
    assert history(killed) == history(whole)
    assert check_study(Store(killed, few), 3) == 1
    assert check_dead_runs(Store(killed, few)) == 1
    assert (killed / "found.toml").read_text("utf-8") == (whole / "found.toml").read_text("utf-8")
    client = MlflowClient(f"sqlite:///{whole}/mlflow.db")
    (experiment,) = [found.experiment_id for found in client.search_experiments() if found.name == "framing"]
    runs = client.search_runs([experiment])
    (parent,) = [run for run in runs if run.data.tags["framing.kind"] == "search"]
    trials = [run for run in runs if run.data.tags["framing.kind"] == "trial"]
    assert [run.data.tags["mlflow.parentRunId"] for run in trials] == [parent.info.run_id] * 3
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert parent.data.tags["framing.best_trial"] == str(figures["trial"])
    assert f"{figures['others']['topics.f1_micro']:.4f}" in parent.data.tags["mlflow.note.content"]
    found = client.download_artifacts(parent.info.run_id, "found.toml", str(folders[0] / "run"))
    assert Path(found).read_text("utf-8") == (whole / "found.toml").read_text("utf-8")


def test_two_processes_share_a_study(few: Path, space: Path, tmp_path: Path) -> None:
    codes, told = searches(arguments(few, space, tmp_path), tmp_path)
    assert codes == [0, 0], told
    assert "locked" not in "".join(told)
    found = [json.loads(line) for text in told for line in text.splitlines() if line.startswith("{")]
    assert len(found) == 2
    assert found[0] == found[1]
    trials = history(tmp_path)
    assert len(trials) == 3
    assert len({str(trial[0]) for trial in trials}) == 3


def test_a_trial_alone_has_the_same_figures_to_the_last_digit(few: Path, taxonomy: Taxonomy) -> None:
    tried = {"features.exponent": 0.437, "framing.kind": "svm", "topics.alpha": 0.311, "topics.fields.head": 0.2}
    config = with_settings(load_config("default", settings(few)), tried)
    items = load_corpus([few], taxonomy).items
    figures = list(Trials(config, items, taxonomy).figures(config))
    alone = load_config("default", [*settings(few), *(f"{name}={value}" for name, value in tried.items())])
    assert alone == config
    report = HeldOut.of(alone, items, fit(alone, items, read_all(items), taxonomy), taxonomy).report()
    assert len(figures) == 2
    assert figures[-1] == {name: headline_metrics(report)[name] for name in FIGURES}


def test_a_trial_whose_process_died_before_it_could_say_so_is_lost(space: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/search.db"
    study = open_study("framing", url, load_search(str(space), FIGURES), 7)
    lost = study.ask()
    assert next_trial(study, 1, url) is not None
    assert study.trials[lost.number].state == TrialState.FAIL
    assert next_trial(study, 1, url) is None


@pytest.mark.parametrize(
    ("state", "value", "runs_here"), [(TrialState.COMPLETE, 0.5, False), (TrialState.FAIL, None, True)]
)
def test_the_last_trial_of_another_process_is_waited_for(
    state: TrialState, value: float | None, runs_here: bool, space: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/search.db"
    told: list[str] = []
    study = open_study("framing", url, load_search(str(space), FIGURES), 7)
    other = next_trial(study, 1, url)
    assert other is not None

    def tell(message: str) -> None:
        told.append(message)
        study.tell(other.number, value, state=state)

    last = next_or_last_trial(study, 1, url, tell)
    assert told == ["waiting for trials [0], which other processes run"]
    assert study.trials[0].state == state
    assert (last is not None) == runs_here


def test_a_trial_that_never_ends_is_not_waited_for_for_ever(
    space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/search.db"
    told: list[str] = []
    study = open_study("framing", url, load_search(str(space), FIGURES), 7)
    assert next_trial(study, 1, url) is not None
    monkeypatch.setattr(studies, "_LONGEST_WAIT", 0)
    assert next_or_last_trial(study, 1, url, told.append) is None
    assert told == ["trials [0] have not ended in 0 minutes: the search ends without them"]


def test_what_was_found_is_a_configuration_file(tmp_path: Path) -> None:
    config = load_config(
        "default", ["features.exponent=0.3171", 'framing.kind="svm"', "topics.class_weight={defense=2.0}"]
    )
    file = tmp_path / "found.toml"
    file.write_text(config_text(config), "utf-8")
    assert load_config(str(file)) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[space]\nseed = { low = 1, high = 9 }", "seed"),
        ("[space]\nfolds.count = { low = 2, high = 9 }", "folds"),
        ("[space]\nframing.alpha = { low = 2, high = 1 }", "low < high"),
        ('objective = ["beauty"]\n[space]\nframing.alpha = { low = 1, high = 2 }', "beauty"),
        ("trials = 3", "space"),
    ],
)
def test_a_search_that_could_not_be_is_refused(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=message):
        load_search(str(file), FIGURES)


def test_the_shipped_search_names_settings_of_a_run() -> None:
    search = load_search("search", FIGURES)
    firsts = {name: values.choices[0] if values.choices else values.low for name, values in search.space.items()}
    assert with_settings(Config(), {**firsts, "topics.alpha": 0.1, "framing.alpha": 0.1}) != Config()


def test_a_study_of_other_data_is_refused(few: Path, space: Path, store: str, tmp_path: Path) -> None:
    search = load_search(str(space), FIGURES).model_copy(update={"trials": 1})
    tracking = Tracking(store, experiment="framing", model="framing")
    config, study = load_config("default", settings(few)), f"sqlite:///{tmp_path}/search.db"
    run_search(config, search, tracking, study, progress=lambda _: None)
    assert search_outcome(config, search, study, progress=lambda _: None).trial == 0
    other = config.model_copy(update={"seed": 8})
    with pytest.raises(ConfigError, match="other data, settings or space"):
        run_search(other, search, tracking, study, progress=lambda _: None)
