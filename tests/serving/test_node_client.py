"""A client in another language, with the proto file as its only knowledge of us."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from framing.article import Article
from framing.bundle import load_bundle
from serving.settings import Settings
from tests.running import running_server

ROOT = Path(__file__).resolve().parents[2]
INSTALL_SECONDS = 60
PACKAGES = ("@grpc/grpc-js@1.14.0", "@grpc/proto-loader@0.8.0")
TEXT = (
    "😀 Иран и Россия подписали договор.\nПрезиденты России и Ирана встретились в Москве и обсудили войну и оружие. 😀"
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which Node finds its gRPC packages."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node is not installed")
    folder = tmp_path_factory.mktemp("node")
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), *PACKAGES]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip(f"Node's gRPC packages did not come within {INSTALL_SECONDS} s")
    if done.returncode:
        pytest.skip(f"Node's gRPC packages cannot be had: {done.stderr.strip()[-200:]}")
    shutil.copy(Path(__file__).with_name("node_client.js"), folder)
    return folder


def test_a_node_client_gets_the_same_answer(node: Path, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "article.txt").write_text(TEXT, "utf-8")
    with running_server(Settings(address="127.0.0.1:0", bundle=str(bundle))) as server:
        command = [
            "node",
            "node_client.js",
            f"127.0.0.1:{server.port}",
            str(ROOT / "proto"),
            str(tmp_path / "article.txt"),
        ]
        done = subprocess.run(command, cwd=node, capture_output=True, text=True, check=True, timeout=60)
    reply = json.loads(done.stdout)
    expected = load_bundle(bundle).classify(Article(text=TEXT))
    assert [score["probability"] for score in reply["classification"]["framings"]] == pytest.approx(
        [score.probability for score in expected.framings]
    )
    assert reply["evidence"] == [item.span.of(TEXT) for item in expected.evidence] != []
