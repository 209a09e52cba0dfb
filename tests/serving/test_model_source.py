"""The server and the registry: which version an alias means, and what happens when there is none."""

import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from framing.errors import ModelUnavailable
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.settings import Settings
from tests.running import running_server
from training.run import TrainingOutcome
from training.tracking import Tracking


@pytest.fixture
def settings(outcome: TrainingOutcome, tracking: Tracking, tmp_path: Path) -> Settings:
    del outcome
    return Settings(address="127.0.0.1:0", tracking_uri=tracking.uri, cache=tmp_path / "cache")


def test_a_server_serves_the_version_that_the_alias_chose(settings: Settings, outcome: TrainingOutcome) -> None:
    with running_server(settings) as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        info = pb_grpc.ClassificationServiceStub(channel).GetModelInfo(pb.GetModelInfoRequest())
    assert info.model_version == "framing/1"
    assert info.run_id == outcome.run_id
    assert len(info.corpus_digest) == 64


def test_a_version_is_fetched_once(settings: Settings) -> None:
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "serving.model_source", "--tracking-uri", settings.tracking_uri, "--model", "models:/framing/1", "--cache", str(settings.cache)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert '"version": "framing/1"' in done.stdout
    assert [path.name for path in settings.cache.iterdir()] == ["framing-1"]


@pytest.mark.parametrize("model", ["models:/framing@nobody", "models:/nothing@champion", "models:/framing/99"])
def test_a_model_that_is_not_there_is_named(settings: Settings, model: str, tmp_path: Path) -> None:
    wrong = Settings(address="127.0.0.1:0", tracking_uri=settings.tracking_uri, cache=tmp_path, model=model)
    with pytest.raises(ModelUnavailable, match=model), running_server(wrong):
        pass
