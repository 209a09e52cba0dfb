"""Champion, challenger and previous in a real store; retraining from beginning to end."""

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
from mlflow import MlflowClient

from framing.errors import Busy, FramingError, ModelUnavailable
from framing.taxonomy import Taxonomy
from training import promote as promotion
from training.__main__ import main
from training.archive import Archive
from training.config import Config, Gate
from training.data import LabelledItem
from training.item_table import CORPUS_PATH
from training.prediction_table import PREDICTIONS_PATH
from training.promote import VERDICT_PATH, Verdict
from training.registry import CHAMPION, PREVIOUS, Registry
from training.retrain import retrain
from training.run import TrainingOutcome
from training.tracking import Tracking


@pytest.fixture(scope="module")
def archive(outcome: TrainingOutcome, tracking: Tracking) -> Archive:
    del outcome
    return Archive(tracking)


@pytest.fixture
def registry(store: str, bundle: Path) -> Registry:
    """Three versions of one bundle; the first is champion."""
    tracking = Tracking(store, experiment="framing", model="framing")
    with tracking.run("fit", {}) as run:
        uri = run.log_bundle(bundle)
    for _ in range(3):
        tracking.registry.register(uri, {"run_id": run.id})
    tracking.registry.move_champion("1", expected=None)
    return tracking.registry


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(registry: Registry) -> None:
    told: list[Busy] = []
    start = threading.Barrier(2)

    def move(version: str) -> None:
        start.wait()
        try:
            registry.move_champion(version, expected="1")
        except Busy as error:
            told.append(error)

    threads = [threading.Thread(target=move, args=(version,)) for version in ("2", "3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    winner = registry.version_of(CHAMPION)
    assert winner in ("2", "3")
    assert registry.version_of(PREVIOUS) == "1"
    (error,) = told
    assert f"expected version 1 to be champion, found {winner}" in str(error)


def test_rollback_goes_back_step_by_step_and_then_says_there_is_no_more(registry: Registry) -> None:
    registry.move_champion("2", expected="1")
    registry.move_champion("3", expected="2")
    assert registry.roll_back() == ("3", "2")
    assert registry.roll_back() == ("2", "1")
    assert (registry.version_of(CHAMPION), registry.version_of(PREVIOUS)) == ("1", None)
    with pytest.raises(ModelUnavailable, match="there is none"):
        registry.roll_back()


def test_rollback_goes_back_though_a_promotion_died_between_its_two_aliases(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.move_champion("2", expected="1")
    alias = MlflowClient.set_registered_model_alias

    def died(client: MlflowClient, model: str, name: str, version: str) -> None:
        if name == CHAMPION:
            raise KeyboardInterrupt
        alias(client, model, name, version)

    monkeypatch.setattr(MlflowClient, "set_registered_model_alias", died)
    with pytest.raises(KeyboardInterrupt):
        registry.move_champion("3", expected="2")
    monkeypatch.undo()
    assert (registry.version_of(CHAMPION), registry.version_of(PREVIOUS)) == ("2", "2")
    assert registry.roll_back() == ("2", "1")


def test_a_run_that_failed_is_not_judged(archive: Archive, tracking: Tracking) -> None:
    with pytest.raises(FramingError), tracking.run("fit", {}) as run:
        raise FramingError("the disk is full")
    with pytest.raises(ModelUnavailable, match="it is FAILED"):
        archive.find(run.id)


@pytest.mark.usefixtures("no_pictures")
def test_retraining_promotes_once_and_the_verdict_is_in_the_run(
    archive: Archive,
    run_config: Config,
    some_items: list[LabelledItem],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = set(archive.table(archive.find(CHAMPION), CORPUS_PATH)["id"])
    fresh = [item for item in some_items if item.id not in known][:15]
    data = tmp_path / "new.jsonl"
    rows = [{key: value for key, value in asdict(item).items() if key != "groups"} for item in fresh]
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    lenient = Gate(
        most_worse=1.0,
        macro_most_worse=1.0,
        slice_most_worse=1.0,
        least_items=50,
        most_calibration_error=1.0,
        most_latency_ratio=50.0,
    )
    config = run_config.model_copy(
        update={
            "gate": lenient,
            "retrain": run_config.retrain.model_copy(update={"factors": (1.0,)}),
            "data": run_config.data.model_copy(update={"paths": ()}),
        }
    )
    before = archive.find(CHAMPION)
    done = retrain(archive, config, [data], progress=lambda _: None)
    assert done.verdict is not None
    assert done.verdict.open, [check.message for check in done.verdict.failed]
    champion, registry = archive.find(CHAMPION), archive.tracking.registry
    assert (champion.version, registry.version_of(PREVIOUS)) == (done.verdict.candidate.version, before.version)
    assert (champion.tags["framing.gate"], champion.tags["framing.promotion"]) == ("open", "promoted")
    client = MlflowClient(archive.tracking.uri)
    verdict = json.loads(Path(client.download_artifacts(champion.id, VERDICT_PATH, str(tmp_path))).read_text("utf-8"))
    assert verdict["open"] is True
    assert {"leak", "framing.accuracy", "latency"} <= {check["name"] for check in verdict["checks"]}

    again = retrain(archive, config, [data], progress=lambda _: None)
    assert again.verdict is None
    assert "nothing to do" in again.message

    registry.roll_back()
    assert registry.version_of(CHAMPION) == before.version

    with pytest.raises(SystemExit) as refused:
        main(["compare", str(before.version), str(champion.version), "--tracking-uri", archive.tracking.uri])
    assert refused.value.code == 2
    assert "15 items are only in the second" in capsys.readouterr().err


@pytest.fixture
def worse(archive: Archive, bundle: Path, store: str, taxonomy: Taxonomy) -> Archive:
    """A store of its own without a champion: version 2 answers every second item of version 1 otherwise."""
    run = archive.find("1")
    answers, framings = archive.table(run, PREDICTIONS_PATH), list(taxonomy.framing_ids)
    second = answers["given.framing"].where(
        answers.index % 2 == 0, answers["given.framing"].map(dict(zip(framings, framings[1:] + framings, strict=False)))
    )
    tracking = Tracking(store, experiment="framing", model="framing")
    for table in (answers, answers.assign(**{"given.framing": second})):
        with tracking.run("fit", {}) as made:
            made.log_table(archive.table(run, CORPUS_PATH), CORPUS_PATH)
            made.log_table(table, PREDICTIONS_PATH)
            uri = made.log_bundle(bundle)
        tracking.registry.register(uri, {})
    return Archive(tracking)


def test_exit_codes_and_json_tell_a_scheduler_what_happened(
    worse: Archive, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*words: str, sets: Sequence[str] = ()) -> tuple[int, str]:
        limits = ("gate.least_items=50", "gate.most_calibration_error=1", "gate.most_latency_ratio=50", *sets)
        given = [argument for limit in limits for argument in ("--set", limit)]
        with pytest.raises(SystemExit) as ended:
            main([*words, "--tracking-uri", worse.tracking.uri, *given])
        return int(str(ended.value.code)), capsys.readouterr().out

    registry, anything = (
        worse.tracking.registry,
        ("gate.most_worse=1", "gate.macro_most_worse=1", "gate.slice_most_worse=1"),
    )
    assert told("promote", "1")[0] == 0
    assert registry.version_of(CHAMPION) == "1"
    worse.write(
        worse.find("1"), texts={}, tags={"framing.promotion": "promoting"}
    )  # as a kill after the alias leaves it
    assert told("promote", "1")[0] == 0
    assert worse.find("1").tags["framing.promotion"] == "promoted"

    code, out = told("promote", "2", "--dry-run", "--json")
    assert (code, json.loads(out)["open"]) == (1, False)
    assert {"framing.accuracy", "framing.f1_macro"} <= set(json.loads(out)["reasons"])
    assert "framing.gate" not in worse.find("2").tags
    assert told("promote", "2")[0] == 1
    assert worse.find("2").tags["framing.promotion"] == "refused"
    assert told("promote", "3")[0] == 2

    code, out = told("compare", "1", "2", "--json")
    (compared,) = json.loads(out)["compared"]
    accuracy = compared["overall"]["framing.accuracy"]
    assert (code, len(compared["flips"])) == (0, compared["items"] // 2)
    assert accuracy["difference"] <= accuracy["high"] < 0

    written = promotion.record

    def overtaken(archive: Archive, verdict: Verdict, outcome: str) -> None:
        written(archive, verdict, outcome)
        registry.move_champion("2", expected="1")

    monkeypatch.setattr(promotion, "record", overtaken)
    assert told("promote", "2", sets=anything)[0] == 3
    assert worse.find("2").tags["framing.promotion"].startswith("overtaken: framing: expected version 1")
