"""From fit to a served answer on a shared tracking server: PostgreSQL, MLflow with proxied artifacts, a shared study."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from mlflow import MlflowClient
from optuna.trial import TrialState

from framing.errors import Busy
from framing.v1 import classification_service_pb2 as pb
from serving.client import FramingClient
from tests.postgres import PASSWORD, QUOTED, mlflow_server, postgres, programs
from tests.processes import free_port, start, wait_until_serving
from tests.together import searches
from training import registry as registries
from training.__main__ import main
from training.registry import CHAMPION, PREVIOUS, Registry
from training.tracking import Run

pytestmark = pytest.mark.skipif(
    programs() is None, reason="no PostgreSQL server here: apt-get install postgresql, or put initdb on the path"
)

SMALL = ("features.most_ngrams=1000", "features.greatest_ngram=4", "folds.count=2", "features.joined=20")
LOOSE = (
    "most_worse=1", "macro_most_worse=1", "slice_most_worse=1", "least_items=10", "most_calibration_error=1", "most_latency_ratio=50",
)  # fmt: skip
SPACE = "random = 2\nunpruned = 4\n[space]\nfeatures.exponent = { low = 0.3, high = 0.8 }\n"
LOCK = "framing.promotion-lock"

Command = Callable[..., list[str]]


@pytest.fixture(scope="module")
def databases() -> Iterator[list[str]]:
    with postgres("mlflow", "study") as urls:
        yield urls


@pytest.fixture(scope="module")
def server(databases: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(databases[0], tmp_path_factory.mktemp("artifacts")) as address:
        yield address


@pytest.fixture(scope="module")
def command(server: str, tiny: Path) -> Command:
    """The arguments of a command of `framing-train` that uses the server and few data."""

    def arguments(*words: str, sets: tuple[str, ...] = ()) -> list[str]:
        given = (*SMALL, f'data.paths=["{tiny}"]', *sets)
        return [*words, "--tracking-uri", server, *(word for setting in given for word in ("--set", setting))]

    return arguments


def exit_code(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def fitted(command: Command, server: str) -> Registry:
    """A registry with a champion and a challenger, fitted one after the other, the second without pictures."""
    assert exit_code(command("fit")) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "log_figure", lambda *_: None)
        assert exit_code(command("fit", sets=("framing.alpha=0.3",))) == 0
    return Registry(server, "framing")


def test_two_processes_search_in_one_study_without_its_password_in_sight(
    command: Command, databases: list[str], server: str, tmp_path: Path
) -> None:
    space, study = tmp_path / "space.toml", databases[1]
    space.write_text(SPACE, "utf-8")
    arguments = command("search", "--space", str(space), "--study", study, "--trials", "4", "--json")
    codes, told = searches(arguments, tmp_path)
    assert codes == [0, 0], told
    found = [json.loads(line) for text in told for line in text.splitlines() if line.startswith("{")]
    assert len(found) == 2
    assert found[0] == found[1]
    assert not [text for text in told if PASSWORD in text or QUOTED in text]
    trials = optuna.load_study(study_name="framing", storage=study).trials
    assert [trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in trials] == [True] * 4
    assert len({trial.params["features.exponent"] for trial in trials}) == 4
    assert len({trial.user_attrs["process"] for trial in trials}) == 2
    client = MlflowClient(server, server)
    experiment = client.get_experiment_by_name("framing")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in runs if run.data.tags["framing.kind"] == "search"]
    assert [run.data.tags.get("mlflow.parentRunId") for run in runs].count(parent.info.run_id) == 4


def test_fitted_compared_promoted_and_served(
    fitted: Registry, command: Command, server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert exit_code(command("compare", "champion", "challenger", "--json")) == 0
    (compared,) = json.loads(capsys.readouterr().out)["compared"]
    assert compared["version"] == "2"
    page = MlflowClient(server, server).download_artifacts(compared["page"]["run"], compared["page"]["path"])
    assert "version 1" in Path(page).read_text("utf-8")
    assert exit_code(command("promote", sets=tuple(f"gate.{limit}" for limit in LOOSE))) == 0, capsys.readouterr()
    assert (fitted.version_of(CHAMPION), fitted.version_of(PREVIOUS)) == ("2", "1")
    address = f"127.0.0.1:{free_port()}"
    process = start("--address", address, "--tracking-uri", server, "--cache", str(tmp_path / "cache"))
    try:
        wait_until_serving(address)
        with FramingClient(address) as client:
            reply = client.classify(pb.Article(text="Russia and Iran signed a treaty on trade in Moscow on Friday."))
    finally:
        process.terminate()
        _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert reply.classification.model_version == "framing/2"
    assert len(reply.classification.framings) == 5
    assert exit_code(command("rollback")) == 0
    assert fitted.version_of(CHAMPION) == "1"


def test_of_two_promotions_at_once_one_wins_and_no_lease_is_left(fitted: Registry, server: str) -> None:
    fitted.move_champion("1", expected=fitted.version_of(CHAMPION))
    model = MlflowClient(server, server).get_model_version("framing", "2").source
    third = fitted.register(str(model), {})
    told: list[Busy] = []
    begin = threading.Barrier(2)

    def move(version: str) -> None:
        own = Registry(server, "framing")
        begin.wait()
        try:
            own.move_champion(version, expected="1")
        except Busy as error:
            told.append(error)

    threads = [threading.Thread(target=move, args=(version,)) for version in ("2", third)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    winner = fitted.version_of(CHAMPION)
    assert winner in ("2", third)
    assert fitted.version_of(PREVIOUS) == "1"
    (error,) = told
    assert f"expected version 1 to be champion, found {winner}" in str(error)
    assert [model.name for model in MlflowClient(server, server).search_registered_models()] == ["framing"]


def test_a_lease_is_waited_for_and_one_that_a_crash_left_is_broken(
    fitted: Registry, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, champion = MlflowClient(server, server), fitted.version_of(CHAMPION)
    client.create_registered_model(LOCK, tags={"holder": "one that died"})
    monkeypatch.setattr(registries, "LEASE_SECONDS", 4.0)
    begin = time.monotonic()
    with pytest.raises(Busy, match="held by another promotion"):
        fitted.move_champion("1", expected=champion)
    assert fitted.version_of(CHAMPION) == champion
    while time.monotonic() - begin < 4.5:
        time.sleep(0.1)
    fitted.move_champion("1", expected=champion)
    assert fitted.version_of(CHAMPION) == "1"
    assert [model.name for model in client.search_registered_models()] == ["framing"]
