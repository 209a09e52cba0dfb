"""The server and the registry: which version an alias means, and what happens when there is none."""

import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from tests.processes import start, wait_until_serving
from training.run import TrainingOutcome
from training.tracking import Tracking


@pytest.fixture
def store(outcome: TrainingOutcome, tracking: Tracking) -> str:
    del outcome
    return tracking.uri


def test_a_server_serves_the_version_that_the_alias_chose(
    store: str, outcome: TrainingOutcome, address: str, tmp_path: Path
) -> None:
    process = start("--address", address, "--tracking-uri", store, "--cache", str(tmp_path))
    try:
        wait_until_serving(address)
        with grpc.insecure_channel(address) as channel:
            info = pb_grpc.ClassificationServiceStub(channel).GetModelInfo(pb.GetModelInfoRequest())
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert info.model_version == "framing/1"
    assert info.run_id == outcome.run_id
    assert len(info.corpus_digest) == 64


def test_a_version_is_fetched_once(store: str, tmp_path: Path) -> None:
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "serving.model_source", "--tracking-uri", store, "--model", "models:/framing/1", "--cache", str(tmp_path)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert '"version": "framing/1"' in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["framing-1"]


@pytest.mark.parametrize("model", ["models:/framing@nobody", "models:/nothing@champion", "models:/framing/99"])
def test_a_model_that_is_not_there_is_named(store: str, model: str, tmp_path: Path) -> None:
    process = start("--address", "127.0.0.1:0", "--tracking-uri", store, "--cache", str(tmp_path), "--model", model)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 2
    assert model in log
