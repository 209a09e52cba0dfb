"""The model that benchmarks use: the shipped configuration fitted on the shipped corpus, kept from run to run."""

import hashlib
import os
import pickle
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.results import ROOT, Skipped

_SOURCES = ("framing", "training")


@dataclass(frozen=True, slots=True)
class BenchmarkModel:
    """A bundle, and the pickled scikit-learn pipelines that it was compiled from."""

    bundle: Path
    pipelines: Path


def benchmark_model(folder: Path = ROOT / "var" / "benchmarks") -> BenchmarkModel:
    """Return the model, fitted now (about two minutes) unless the same sources fitted it before.

    BENCH_MODEL, if set, names a folder with a bundle and its pipelines to measure instead.
    """
    if given := os.environ.get("BENCH_MODEL"):
        return BenchmarkModel(Path(given) / "bundle", Path(given) / "pipelines.pkl")
    place = folder / _digest()
    found = BenchmarkModel(place / "bundle", place / "pipelines.pkl")
    if not found.pipelines.is_file():
        shutil.rmtree(place, ignore_errors=True)
        _fit(found)
    return found


def _fit(model: BenchmarkModel) -> None:
    from framing.bundle import save_bundle
    from framing.taxonomy import default_taxonomy
    from training.config import load_config
    from training.data import bundled_corpus, load_corpus
    from training.fit import fit
    from training.run import golden_articles, read_all

    taxonomy = default_taxonomy()
    items = load_corpus([bundled_corpus()], taxonomy).items
    result = fit(load_config("default", ("folds.count=2",)), items, read_all(items), taxonomy)
    save_bundle(result.model, model.bundle, golden_articles(items), info={"run_id": "", "corpus_sha256": ""})
    model.pipelines.write_bytes(pickle.dumps(result.pipelines))


def sample_article() -> str:
    """Return the Arabic sample article of 2,200 characters that every figure is about."""
    path = ROOT.parent / "shared" / "sample" / "treaty-article-ar.txt"
    if not path.is_file():
        raise Skipped("the sample article of ../shared is not here")
    return path.read_text("utf-8")


def _digest() -> str:
    digest = hashlib.sha256()
    files = [
        file
        for name in _SOURCES
        for file in (ROOT / name).rglob("*")
        if file.suffix in (".py", ".pyx", ".toml", ".jsonl", ".npz")
    ]
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
