"""A small real model, fitted once for the whole test session, and the places tests may look."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from framing.bundle import load_bundle, save_bundle
from framing.fields import FieldedArticle
from framing.model import FramingModel
from framing.taxonomy import Taxonomy, default_taxonomy
from tests.processes import free_port
from training.config import Config, load_config
from training.data import Corpus, LabelledItem, bundled_corpus, load_corpus
from training.fit import FitResult, fit
from training.registry import CHALLENGER, CHAMPION
from training.run import TrainingOutcome, golden_articles, read_all, train
from training.tracking import Run, Tracking

SHARED = Path(__file__).resolve().parents[2] / "shared"
SMALL = (
    "features.most_ngrams=6000",
    "features.greatest_ngram=4",
    "folds.count=3",
    "features.least_articles=3",
    "features.joined=100",
    "framing.prose={}",
)


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return default_taxonomy()


@pytest.fixture(scope="session")
def corpus(taxonomy: Taxonomy) -> Corpus:
    return load_corpus([bundled_corpus()], taxonomy)


@pytest.fixture(scope="session")
def small_config() -> Config:
    return load_config("default", SMALL)


@pytest.fixture(scope="session")
def some_items(corpus: Corpus) -> list[LabelledItem]:
    """A fifth of the stories, all languages: enough to fit a model that answers sensibly."""
    stories = sorted({item.story for item in corpus.items})[::5]
    return [item for item in corpus.items if item.story in set(stories)]


@pytest.fixture(scope="session")
def some_articles(some_items: Sequence[LabelledItem]) -> list[FieldedArticle]:
    return read_all(some_items)


@pytest.fixture(scope="session")
def fitted(
    small_config: Config, some_items: list[LabelledItem], some_articles: list[FieldedArticle], taxonomy: Taxonomy
) -> FitResult:
    return fit(small_config, some_items, some_articles, taxonomy)


@pytest.fixture(scope="session")
def bundle(fitted: FitResult, some_items: list[LabelledItem], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "bundle"
    save_bundle(fitted.model, folder, golden_articles(some_items), info={"run_id": "r", "corpus_sha256": "c"})
    return folder


@pytest.fixture(scope="session")
def model(bundle: Path) -> FramingModel:
    return load_bundle(bundle)


@pytest.fixture
def address() -> str:
    """A loopback address with a port that nobody has."""
    return f"127.0.0.1:{free_port()}"


@pytest.fixture(scope="session")
def sample() -> str:
    path = SHARED / "sample" / "treaty-article-ar.txt"
    if not path.is_file():
        pytest.skip("the sample article of ../shared is not here")
    return path.read_text("utf-8")


@pytest.fixture(scope="session")
def data_file(some_items: list[LabelledItem], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "items.jsonl"
    stories = sorted({item.story for item in some_items})[::3]
    rows = [
        {name: getattr(item, name) for name in ("id", "lang", "title", "text", "framing", "story", "outlet")}
        | {"topics": list(item.topics)}
        for item in some_items
        if item.story in stories
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture(scope="session")
def few(data_file: Path) -> Path:
    """Every second of the items: for tests that fit many times."""
    file = data_file.with_name("few.jsonl")
    file.write_text("\n".join(data_file.read_text("utf-8").splitlines()[::2]), "utf-8")
    return file


@pytest.fixture(scope="session")
def tiny(data_file: Path) -> Path:
    """Every fourth of the items: for tests of what happens around a fit."""
    file = data_file.with_name("tiny.jsonl")
    file.write_text("\n".join(data_file.read_text("utf-8").splitlines()[::4]), "utf-8")
    return file


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tracking store without a run, to be copied: to make its tables takes seconds."""
    file = tmp_path_factory.mktemp("empty") / "mlflow.db"
    Tracking(f"sqlite:///{file}", experiment="framing", model="framing")
    return file


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> str:
    """The address of an empty tracking store of a test's own."""
    return f"sqlite:///{shutil.copy(empty_store, tmp_path)}"


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without their pictures, which are a third of what a small fit takes."""
    monkeypatch.setattr(Run, "log_figure", lambda *_: None)


@pytest.fixture(scope="session")
def run_config(small_config: Config, data_file: Path) -> Config:
    return small_config.model_copy(
        update={
            "data": small_config.data.model_copy(update={"paths": (str(data_file),)}),
            "features": small_config.features.model_copy(update={"most_ngrams": 1500}),
        }
    )


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory, run_config: Config) -> Tracking:
    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    return Tracking(uri, experiment=run_config.registry.experiment, model=run_config.registry.model)


@pytest.fixture(scope="session")
def first_fit(run_config: Config, tracking: Tracking) -> tuple[TrainingOutcome, dict[str, str | None]]:
    """What the first fit of a store gave, and where its aliases pointed then: other tests move them."""
    outcome = train(run_config, tracking, progress=lambda _: None)
    return outcome, {alias: tracking.registry.version_of(alias) for alias in (CHAMPION, CHALLENGER)}


@pytest.fixture(scope="session")
def outcome(first_fit: tuple[TrainingOutcome, dict[str, str | None]]) -> TrainingOutcome:
    return first_fit[0]
