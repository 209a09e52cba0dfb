"""The server and the registry: which version an alias means, what is refused, and a registry that is away."""

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
import yaml
from mlflow import MlflowClient

from framing.bundle import load_bundle, save_bundle
from framing.model import FramingModel
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.model_cache import ModelCache, ModelVersion
from serving.model_source import ModelSource
from serving.updates import Problem
from tests.processes import start, wait_until_serving
from tests.waiting import eventually
from training.data import LabelledItem
from training.run import golden_articles

ALIAS = "models:/small@champion"
Register = Callable[..., str]
# serving/deploy/requirements.lock has none of these: mlflow-skinny goes without.
_IN_THE_IMAGE = """
import sys
sys.modules.update(dict.fromkeys(("pandas", "scipy", "sklearn", "training")))
from pathlib import Path
from serving.model_cache import ModelCache
from serving.model_source import ModelSource
store, cache, model = sys.argv[1:]
report = ModelSource(store, ModelCache(Path(cache), store)).look(model)
print(report.version, report.problem and report.detail)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    uri = f"sqlite:///{tmp_path_factory.mktemp('registry')}/mlflow.db"
    MlflowClient(uri, uri).create_registered_model("small")
    return uri


@pytest.fixture(scope="module")
def register(store: str, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Register:
    """Register a bundle (the small one as it stands) after `change`, as champion. Return its version."""
    client = MlflowClient(store, store)

    def add(change: Callable[[Path], object] = lambda _: None, *, of: Path = bundle) -> str:
        folder = tmp_path_factory.mktemp("artifact")
        shutil.copytree(of, folder / "data" / "bundle")
        flavour = {"loader_module": "training.pyfunc", "data": "data/bundle"}
        (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": {"python_function": flavour}}), "utf-8")
        change(folder)
        version = str(client.create_model_version("small", folder.as_uri()).version)
        client.set_registered_model_alias("small", "champion", version)
        return version

    return add


@pytest.fixture
def cache(store: str, tmp_path: Path) -> ModelCache:
    return ModelCache(tmp_path / "cache", store)


@pytest.fixture
def source(store: str, cache: ModelCache) -> ModelSource:
    return ModelSource(store, cache)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_version_is_fetched_once_and_checked(source: ModelSource, cache: ModelCache, register: Register) -> None:
    version = register()
    first, second = source.look(ALIAS), source.look(ALIAS)
    assert first == second
    assert (first.version, first.problem) == (f"small/{version}", None)
    assert first.bundle == str(cache.folder / f"small-{version}" / "data" / "bundle")
    assert len(first.labels) == 8
    assert [path.name for path in cache.folder.iterdir()] == [f"small-{version}"]


def test_a_version_is_fetched_where_only_the_small_mlflow_is_installed(
    store: str, tmp_path: Path, register: Register
) -> None:
    version = register()
    done = subprocess.run(
        [sys.executable, "-c", _IN_THE_IMAGE, store, str(tmp_path / "cache"), ALIAS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == (f"small/{version} None", 0), done.stdout + done.stderr


def test_a_version_that_was_spoilt_in_the_cache_is_fetched_again(
    source: ModelSource, cache: ModelCache, register: Register, store: str
) -> None:
    register()
    bundle = Path(source.look(ALIAS).bundle)
    flip(bundle / "ngrams.npy")
    report = ModelSource(store, cache).look(ALIAS)
    assert report.problem is None
    load_bundle(Path(report.bundle))


def other_predictions(folder: Path) -> None:
    path = folder / "data" / "bundle" / "golden.json"
    golden = json.loads(path.read_text("utf-8"))
    golden[0]["probabilities"][0] += 0.1
    path.write_text(json.dumps(golden), "utf-8")


def elsewhere(folder: Path) -> None:
    text = (folder / "MLmodel").read_text("utf-8")
    (folder / "MLmodel").write_text(text.replace("data/bundle", "../../etc"), "utf-8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: flip(folder / "data" / "bundle" / "ngrams.npy"), "ngrams.npy: its SHA-256 digest"),
        (other_predictions, "golden.json: its SHA-256 digest"),
        (lambda folder: (folder / "data" / "bundle" / "run.py").write_text("x"), "do not belong: ['run.py']"),
        (elsewhere, "expected the bundle inside the model"),
        (lambda folder: (folder / "MLmodel").write_text("{}"), "expected a pyfunc model with a bundle"),
    ],
)
def test_a_version_that_is_not_what_it_says_never_enters_the_cache(
    source: ModelSource, cache: ModelCache, register: Register, change: Callable[[Path], object], words: str
) -> None:
    version = register(change)
    report = source.look(ALIAS)
    assert (report.version, report.problem) == (f"small/{version}", Problem.BUNDLE_INVALID)
    assert words in report.detail
    assert str(cache.folder) not in report.detail
    assert not report.bundle
    assert list(cache.folder.iterdir()) == []
    assert source.look(ALIAS) is report


@pytest.fixture
def sport(model: FramingModel, some_items: list[LabelledItem], tmp_path: Path) -> Path:
    """A sound model with another topic."""
    topics = (replace(model.taxonomy.topics[0], id="sport"), *model.taxonomy.topics[1:])
    decisions = replace(model.decisions, topics={"sport": 0.5, **model.decisions.topics})
    other = FramingModel(replace(model.taxonomy, topics=topics), model.weights, decisions)
    save_bundle(other, tmp_path / "sport", golden_articles(some_items), info={})
    return tmp_path / "sport"


def test_other_labels_than_the_last_good_ones_are_refused(
    source: ModelSource, cache: ModelCache, register: Register, sport: Path
) -> None:
    register()
    good = source.look(ALIAS)
    cache.remember(ALIAS, ModelVersion(good.version, good.bundle, good.labels))
    register(of=sport)
    report = source.look(ALIAS)
    assert report.problem == Problem.TAXONOMY_CHANGED
    assert "expected the labels diplomacy, defense, conflict, cooperation" in report.detail
    assert "got sport, defense" in report.detail


def test_a_disk_that_is_full_is_no_fault_of_the_version(
    source: ModelSource, cache: ModelCache, register: Register
) -> None:
    register()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        report = source.look(ALIAS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert report.problem == Problem.FETCH_FAILED
    assert "File too large" in report.detail
    assert list(cache.folder.iterdir()) == []
    assert source.look(ALIAS).problem is None


@pytest.mark.parametrize("model", ["models:/small@nobody", "models:/nothing@champion", "models:/small/99", "small"])
def test_a_model_that_is_not_there_is_named(source: ModelSource, model: str) -> None:
    report = source.look(model)
    assert report.problem in (Problem.REGISTRY_UNAVAILABLE, Problem.FETCH_FAILED)
    assert model.removeprefix("models:/") in f"{report.model} {report.detail}"


def test_passwords_of_the_registry_are_not_told(cache: ModelCache) -> None:
    source = ModelSource("http://user:hunter2@127.0.0.1:1", cache)
    report = source.look(ALIAS)
    assert report.problem == Problem.REGISTRY_UNAVAILABLE
    assert "hunter2" not in report.detail


def info(address: str) -> pb.GetModelInfoResponse:
    with grpc.insecure_channel(address) as channel:
        reply: pb.GetModelInfoResponse = pb_grpc.ClassificationServiceStub(channel).GetModelInfo(
            pb.GetModelInfoRequest(), timeout=20
        )
    return reply


def test_a_server_follows_the_registry_and_outlives_it(
    store: str, register: Register, address: str, tmp_path: Path
) -> None:
    flags = ("--address", address, "--tracking-uri", store, "--cache", str(tmp_path), "--model", ALIAS)
    first = register()
    process = start(*flags, "--registry-interval", "0.2")
    try:
        wait_until_serving(address)
        assert info(address).model_version == f"small/{first}"
        second = register()
        eventually(lambda: info(address).model_version == f"small/{second}")
        third = register(lambda folder: flip(folder / "data" / "bundle" / "ngrams.npy"))
        eventually(lambda: info(address).pending_update.model_version == f"small/{third}")
        assert info(address).pending_update.problem == pb.UPDATE_PROBLEM_BUNDLE_INVALID
    finally:
        process.terminate()
        _, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"not serving small/{third}: BUNDLE_INVALID" in log
    assert "Traceback" not in log
    away = Path(store.removeprefix("sqlite:///"))
    away.rename(away.with_name("away"))
    away.mkdir()
    process = start(*flags)
    try:
        wait_until_serving(address)
        told = info(address)
    finally:
        away.rmdir()
        away.with_name("away").rename(away)
        process.terminate()
        process.communicate(timeout=60)
    assert told.model_version == f"small/{second}"
    assert told.pending_update.problem == pb.UPDATE_PROBLEM_REGISTRY_UNAVAILABLE
