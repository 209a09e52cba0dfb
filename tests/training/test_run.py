"""A whole training run into an MLflow store of its own, and what others find there."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from framing.bundle import load_bundle
from framing.errors import FramingError, ModelUnavailable
from framing.reference import read_reference
from training.__main__ import main
from training.config import Config
from training.registry import CHALLENGER, CHAMPION
from training.run import TrainingOutcome, train
from training.tracking import Tracking, fetch_bundle
from training.word_vectors import bundled_vectors


def test_the_first_model_is_champion_and_challenger(
    first_fit: tuple[TrainingOutcome, dict[str, str | None]],
) -> None:
    outcome, aliases = first_fit
    assert outcome.champion
    assert outcome.version == "1"
    assert aliases == {CHAMPION: "1", CHALLENGER: "1"}


def test_the_run_has_what_is_needed_to_compare_and_repeat_it(
    outcome: TrainingOutcome, tracking: Tracking, run_config: Config
) -> None:
    client = MlflowClient(tracking.uri)
    run = client.get_run(outcome.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["framing.c"] == str(run_config.framing.c)
    assert run.data.params["seed"] == str(run_config.seed)
    assert next(iter(run.data.metrics)) == "topics/f1_macro"  # what MLflow draws when two runs are compared
    assert run.data.metrics["framing/f1_macro"] == pytest.approx(outcome.report["framing"]["f1_macro"])
    assert {"topics/f1_micro", "where/framing/threat/f1", "where/language/ar/framing_f1_macro"} <= set(run.data.metrics)
    (entry,) = run.inputs.dataset_inputs
    digest = run.data.params["data.sha256"]
    assert len(digest) == 64
    assert entry.dataset.digest == digest[:36]
    assert run.data.params["topics.vectors.sha256"] == bundled_vectors().digest
    pictures = {Path(item.path).stem for item in client.list_artifacts(outcome.run_id, "pictures")}
    assert pictures == {
        "baselines",
        "confusion_framing",
        "confusion_topics",
        "coverage_risk",
        "precision_recall",
        "reliability",
    }
    assert {"error_page.html", "model_card.md", "telling_words.json", "report.json", "predictions", "inputs"} <= {
        item.path for item in client.list_artifacts(outcome.run_id)
    }
    assert "| **model** |" in run.data.tags["mlflow.note.content"]
    assert {"versus/naive_bayes/framing_f1_macro", "where/length/040-079/framing_accuracy"} <= set(run.data.metrics)


def test_pyfunc_answers_every_row(outcome: TrainingOutcome, tracking: Tracking) -> None:
    del outcome
    mlflow.set_tracking_uri(tracking.uri)
    model = mlflow.pyfunc.load_model("models:/framing@champion")
    texts = [
        "بوتين يستقبل بزشكيان في موسكو لتوقيع معاهدة",
        "Rain is expected in the north on Friday",
        "Футбол: итоги тура",
    ]
    answers = model.predict(pd.DataFrame({"text": texts}))
    assert list(answers.columns) == ["framing", "stance", "topics", "abstention", "probabilities"]
    assert len(answers) == 3
    assert len(set(answers["probabilities"])) == 3
    for row in answers["probabilities"]:
        assert sum(list(json.loads(row).values())[3:]) == pytest.approx(1, abs=1e-5)
    with pytest.raises(mlflow.exceptions.MlflowException, match="text"):
        model.predict(pd.DataFrame({"body": texts}))


def test_the_bundle_comes_back_from_the_registry(outcome: TrainingOutcome, tracking: Tracking, tmp_path: Path) -> None:
    bundle = fetch_bundle(tracking.uri, "models:/framing@champion", tmp_path)
    model = load_bundle(bundle)
    assert model.info["run_id"] == outcome.run_id
    assert model.info["word_vectors_sha256"] == bundled_vectors().digest
    assert set(read_reference(model.info)["language"]) == {"ar", "en", "fa", "ru"}
    with pytest.raises(ModelUnavailable, match="nobody"):
        fetch_bundle(tracking.uri, "models:/framing@nobody", tmp_path)


@pytest.mark.usefixtures("no_pictures")
def test_the_same_configuration_gives_the_same_figures(
    outcome: TrainingOutcome, run_config: Config, tracking: Tracking
) -> None:
    again = train(run_config, tracking, progress=lambda _: None)
    assert again.report == outcome.report
    assert not again.champion
    assert (tracking.registry.version_of(CHAMPION), tracking.registry.version_of(CHALLENGER)) == ("1", again.version)


def last_run(tracking: Tracking) -> Any:
    client = MlflowClient(tracking.uri)
    experiment = client.get_experiment_by_name(tracking.experiment)
    assert experiment is not None
    return client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"])[0]


def test_a_failed_run_says_why(tracking: Tracking) -> None:
    with pytest.raises(FramingError), tracking.run("fit", {}):
        raise FramingError("the disk is full")
    run = last_run(tracking)
    assert run.info.status == "FAILED"
    assert run.data.tags["framing.failure"] == "FramingError: the disk is full"


def test_an_interrupted_run_is_killed(tracking: Tracking) -> None:
    with pytest.raises(KeyboardInterrupt), tracking.run("fit", {}):
        raise KeyboardInterrupt
    assert last_run(tracking).info.status == "KILLED"


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_fit_does_nothing_when_there_is_a_champion(
    outcome: TrainingOutcome, tracking: Tracking, capsys: pytest.CaptureFixture[str]
) -> None:
    del outcome
    assert command("fit", "--unless-champion", "--tracking-uri", tracking.uri) == 0
    assert "version 1 is champion: nothing to do" in capsys.readouterr().err


def test_evaluate_prints_one_json_object(
    outcome: TrainingOutcome, tracking: Tracking, data_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del outcome
    assert command("evaluate", "--data", str(data_file), "--json", "--tracking-uri", tracking.uri) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["items"] > 20
    assert set(report["topics"]["labels"]) == {"diplomacy", "defense", "conflict"}
    assert {"precision", "recall", "f1", "support"} <= set(report["framing"]["labels"]["threat"])
    assert {"calibration", "selective", "by_language", "by_outlet"} <= set(report)
    low, high = report["framing"]["intervals"]["accuracy"]
    assert low <= report["framing"]["accuracy"] <= high


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate", "--data", "nowhere.jsonl", "--model", "x"), "nowhere.jsonl"),
        (("fit", "--set", "framing.zeal=1"), "framing.zeal: unknown setting"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments: tuple[str, ...], message: str) -> None:
    words = [sys.executable, "-m", "training", *arguments, "--tracking-uri", "sqlite:////nowhere/store.db"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
