"""A fit and a retraining that are killed at the worst moments, or told to stop; tests.benchmarks.crash has random ones."""

import json
import os
import shutil
import signal
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.crashes import Store, check, check_dead_runs, finished, killed_at
from tests.forked import forked
from tests.waiting import eventually
from training.__main__ import EXIT_INTERRUPTED, EXIT_REFUSED, main
from training.data import LabelledItem
from training.registry import PREVIOUS

LOG = "training.tracking:Run.log_bundle"
CHALLENGE = "training.registry:Registry.challenge"
ALIAS = "mlflow:MlflowClient.set_registered_model_alias"  # of a retraining the first is challenger, the third champion


@pytest.fixture(scope="module")
def store(empty_store: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("killed")
    shutil.copy(empty_store, folder)
    return Store(folder, tiny)


def test_a_fit_that_is_killed_leaves_no_half_version_and_no_alias(store: Store, tmp_path: Path) -> None:
    killed_at(store.fit(), LOG)
    killed_at(store.fit(), CHALLENGE)
    assert check(store, tmp_path, [None]) is None
    finished(store.fit())
    assert check(store, tmp_path, ["2"]) == "2"
    assert check_dead_runs(store) == 1


def test_a_retraining_that_is_killed_between_two_aliases_is_ended_by_the_next(
    store: Store, tmp_path: Path, some_items: list[LabelledItem]
) -> None:
    if store.registry.version_of("champion") is None:
        finished(store.fit())
    champion = store.registry.version_of("champion")
    new = tmp_path / "new.jsonl"
    rows = [{name: value for name, value in asdict(item).items() if name != "groups"} for item in some_items[:8]]
    new.write_text("".join(json.dumps(row | {"id": f"new-{row['id']}"}) + "\n" for row in rows), "utf-8")
    killed_at(store.retraining(new), ALIAS, call=3)
    assert check(store, tmp_path, [champion]) == champion
    finished(store.retraining(new))
    retrained = str(int(champion or 0) + 1)  # what was fitted before the kill is not fitted again
    assert check(store, tmp_path, [retrained]) == retrained
    assert store.registry.version_of(PREVIOUS) == champion


def last_run(store: Store) -> Run | None:
    client = MlflowClient(store.uri, store.uri)
    experiment = client.get_experiment_by_name("framing")
    runs = client.search_runs([experiment.experiment_id], max_results=1) if experiment else []
    return runs[0] if runs else None


def ended(store: Store) -> tuple[str, str]:
    """Return how the last run ended, and the reason that it gives."""
    run = last_run(store)
    assert run is not None
    return run.info.status, run.data.tags["framing.failure"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_fit_that_is_told_to_stop_ends_killed(number: signal.Signals, store: Store) -> None:
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip(
            f"{number.name} is ignored here, as in the background of a shell, and so in every process that is begun"
        )
    before = last_run(store)

    def runs() -> bool:
        run = last_run(store)
        return run is not None and bool(run.data.params) and (not before or run.info.run_id != before.info.run_id)

    process = forked(main, store.fit())
    eventually(runs, 600)
    os.kill(process.pid or 0, number)
    process.join(600)
    assert process.exitcode == EXIT_INTERRUPTED
    assert ended(store) == ("KILLED", "interrupted")


def test_a_fit_that_fails_says_why(store: Store, tmp_path: Path) -> None:
    short = tmp_path / "short.jsonl"
    short.write_text("\n".join(store.data.read_text("utf-8").splitlines()[:40]), "utf-8")
    with pytest.raises(SystemExit) as exited:
        main([*replace(store, data=short).fit(), "--set", "folds.count=50"])
    assert exited.value.code == EXIT_REFUSED
    status, reason = ended(store)
    assert status == "FAILED"
    assert reason.startswith("DataError: expected at least 50 groups of items for 50 folds")
