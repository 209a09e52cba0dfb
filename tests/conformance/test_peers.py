"""Clients of the Open Inference Protocol by others, each in an environment of its own: `make peers` installs them."""

import json
import subprocess
from pathlib import Path

import pytest

from framing.article import Article
from framing.model import FramingModel
from serving.settings import Settings
from tests.running import running_server

ENVIRONMENTS = Path(__file__).resolve().parents[2] / "var" / "peers"
TEXTS = ["The presidents of Russia and Iran signed a treaty in Moscow.", "إيران وروسيا وقعتا معاهدة في موسكو"]


@pytest.mark.parametrize("peer", ["tritonclient", "open-inference-grpc", "kserve"])
def test_a_client_by_others_gets_the_same_answers(peer: str, bundle: Path, model: FramingModel) -> None:
    python = ENVIRONMENTS / peer / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{peer} is not installed in var/peers: run 'make peers'")
    script = Path(__file__).with_name("peers") / f"with_{peer.replace('-', '_')}.py"
    with running_server(Settings(address="127.0.0.1:0", bundle=str(bundle))) as server:
        command = [str(python), str(script), str(server.port)]
        done = subprocess.run(
            command, input=json.dumps(TEXTS), capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stderr[-2000:]
    got = json.loads(done.stdout.splitlines()[-1])
    answers = [model.classify(Article(text=text)) for text in TEXTS]
    assert got["live"] is got["ready"] is True
    assert got["framing"] == [answer.framing for answer in answers]
    for name, scores in (("topic", "topics"), ("framing", "framings")):
        expected = [[score.probability for score in getattr(answer, scores)] for answer in answers]
        assert got[f"{name}_probabilities"] == [pytest.approx(row, abs=1e-12) for row in expected]
    assert got["topics_selected"] == [[score.selected for score in answer.topics] for answer in answers]
    assert "NOT_FOUND" in got["error"]
    assert "expected 'framing', got 'nothing'" in got["error"]
    assert got.get("server", "framing") == "framing"
