"""A fit killed at ten random moments: the store stays readable, every version is whole, no alias is wrong."""

import multiprocessing
import random
import time
from pathlib import Path

from mlflow import MlflowClient

from framing.bundle import check_golden, load_bundle
from training.config import Config
from training.registry import CHALLENGER, CHAMPION
from training.run import train
from training.tracking import Tracking, fetch_bundle

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["training.run"])
KILLS_WITHOUT_A_STORE = 3
KILLS = 10


def fit(config: Config, uri: str) -> None:
    train(config, Tracking(uri, experiment="framing", model="framing"), progress=lambda _: None)


def run(config: Config, uri: str, seconds: float | None) -> float:
    """Fit in a process of its own, kill it after so many seconds if any, and return how long it ran."""
    process = SERVER.Process(target=fit, args=(config, uri))
    begin = time.monotonic()
    process.start()
    process.join(120 if seconds is None else seconds)
    process.kill()
    process.join()
    assert seconds is not None or process.exitcode == 0
    return time.monotonic() - begin


def check(uri: str, folder: Path, expected: str | None = None) -> None:
    tracking = Tracking(uri, experiment="framing", model="framing")
    client = MlflowClient(uri, uri)
    versions = [str(version.version) for version in client.search_model_versions("name = 'framing'")]
    for version in versions:
        assert client.get_run(tracking.registry.run_of(version)).info.status == "FINISHED"
        bundle = fetch_bundle(uri, f"models:/framing/{version}", folder / version)
        assert check_golden(load_bundle(bundle), bundle) > 0
    champion, challenger = tracking.registry.version_of(CHAMPION), tracking.registry.version_of(CHALLENGER)
    assert champion in ((expected,) if expected else (None, *versions))
    assert challenger is None or challenger in versions
    assert champion is None or challenger is not None


def test_killed_at_ten_random_moments(run_config: Config, tmp_path: Path) -> None:
    draw = random.Random(7)  # noqa: S311 no secret
    uri = f"sqlite:///{tmp_path}/store/mlflow.db"
    for _ in range(KILLS_WITHOUT_A_STORE):
        run(run_config, uri, draw.uniform(0.05, 2.0))
    check(uri, tmp_path / "early")
    seconds = run(run_config, uri, None)
    champion = Tracking(uri, experiment="framing", model="framing").registry.version_of(CHAMPION)
    assert champion is not None
    for number in range(KILLS - KILLS_WITHOUT_A_STORE):
        run(run_config, uri, draw.uniform(0.05, seconds))
        check(uri, tmp_path / str(number), champion)
    tracking = Tracking(uri, experiment="framing", model="framing")
    with tracking.run("after", {}) as last:
        client = MlflowClient(uri, uri)
        experiment = client.get_run(last.id).info.experiment_id
        running = client.search_runs([experiment], "attributes.status = 'RUNNING'")
        assert [one.info.run_id for one in running] == [last.id]
        killed = client.search_runs([experiment], "attributes.status = 'KILLED'")
        assert all(one.data.tags["framing.failure"] == "its process died" for one in killed)
        assert killed
