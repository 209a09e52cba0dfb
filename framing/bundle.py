"""A model as a directory that is safe to load: arrays, JSON and text, no code and no pickle.

`load_bundle` builds nothing before it has checked: the directory has exactly the files of the
allow-list below, the manifest is of our format, sizes are within limits and digests agree. The list lives in
this file and never in the artifact (skops' io/_audit.py is built the same way, but reads its list from there).
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framing.article import Article
from framing.errors import BundleError, ConfigError
from framing.fields import FIELDS, SHAPE
from framing.model import Decisions, FramingModel
from framing.scorer import LinearWeights
from framing.taxonomy import Taxonomy

FORMAT = 1
MANIFEST = "bundle.json"
ARRAYS = {"ngrams.npy": 3, "shape.npy": 2, "labels.npy": 2}  # file: number of dimensions
CONTENTS = ("vocabulary.txt", "golden.json", *ARRAYS)
MAX_BYTES = 64 << 20
GOLDEN_TOLERANCE = 1e-6  # sums of floats differ between machines in the last digits


@dataclass(frozen=True, slots=True)
class Golden:
    """An article and the probabilities that the model gave it when it was made, topics first."""

    title: str
    text: str
    probabilities: tuple[float, ...]


def save_bundle(model: FramingModel, directory: Path, golden: Sequence[Article], *, info: dict[str, Any]) -> None:
    """Write `model` to the new directory `directory`, with its predictions for `golden`.

    `info` is JSON data about where the model comes from (corpus digest, run, configuration).
    """
    weights = model.weights
    directory.mkdir(parents=True)
    (directory / "vocabulary.txt").write_text("\n".join(weights.vocabulary), "utf-8", newline="\n")
    _save_array(directory / "ngrams.npy", weights.ngrams)
    _save_array(directory / "shape.npy", weights.shape)
    _save_array(directory / "labels.npy", np.stack([weights.intercept, weights.scale, weights.shift]))
    predictions = [asdict(_predict(model, article)) for article in golden]
    _write_json(directory / "golden.json", predictions)
    manifest = {
        "format": FORMAT,
        "taxonomy": model.taxonomy.to_dict(),
        "fields": FIELDS,
        "shape": SHAPE,
        "exponent": weights.exponent,
        "sizes": weights.sizes,
        "bigrams": weights.bigrams,
        "decisions": asdict(model.decisions),
        "info": info,
        "sha256": {name: _digest(directory / name) for name in CONTENTS},
    }
    _write_json(directory / MANIFEST, manifest)


def load_bundle(directory: Path, *, version: str = "") -> FramingModel:
    """Return the model in `directory`, checked but for its golden predictions (`check_golden`).

    `version` names it; without one the first characters of the manifest's digest do.
    Raises BundleError that names the file and what is wrong with it.
    """
    manifest = read_manifest(directory)
    taxonomy = _taxonomy(manifest)
    arrays = {name: _load_array(directory / name, dimensions) for name, dimensions in ARRAYS.items()}
    vocabulary = tuple((directory / "vocabulary.txt").read_text("utf-8").split("\n"))
    labels = len(taxonomy.topics) + len(taxonomy.framings)
    expected = {
        "ngrams.npy": (len(vocabulary), len(FIELDS), labels),
        "shape.npy": (len(SHAPE), labels),
        "labels.npy": (3, labels),
    }
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise BundleError(f"{directory / name}: expected shape {shape}, got {arrays[name].shape}")
    try:
        weights = _weights(manifest, vocabulary, arrays)
        decisions = Decisions(**manifest["decisions"])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{directory / MANIFEST}: {error!r}") from error
    version = version or "sha256-" + _digest(directory / MANIFEST)[:12]
    return FramingModel(taxonomy, weights, decisions, version=version, info=manifest.get("info"))


def read_manifest(directory: Path) -> dict[str, Any]:
    """Return the manifest of the bundle in `directory` after checking every file against it."""
    if not directory.is_dir():
        raise BundleError(f"{directory}: expected a bundle directory, found none")
    _check_files(directory)
    manifest = _read_json(directory / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleError(f"{directory / MANIFEST}: expected a bundle of format {FORMAT}")
    for key, expected in (("fields", list(FIELDS)), ("shape", list(SHAPE))):
        if manifest.get(key) != expected:
            found = f"{directory / MANIFEST}: {key}: expected {expected}, got {manifest.get(key)}"
            raise BundleError(f"{found}: it is of another version of this package, and has to be fitted anew")
    digests = manifest.get("sha256")
    for name in CONTENTS:
        if not isinstance(digests, dict) or digests.get(name) != _digest(directory / name):
            raise BundleError(f"{directory / name}: its SHA-256 digest is not the one in {MANIFEST}")
    return manifest


def read_golden(directory: Path) -> list[Golden]:
    """Return the golden predictions of the bundle in `directory`."""
    try:
        return [
            Golden(str(item["title"]), str(item["text"]), tuple(map(float, item["probabilities"])))
            for item in _read_json(directory / "golden.json")
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{directory / 'golden.json'}: {error!r}") from error


def check_golden(model: FramingModel, directory: Path) -> int:
    """Return how many golden predictions `model` reproduced; BundleError if it failed one or has none."""
    golden = read_golden(directory)
    if not golden:
        raise BundleError(f"{directory / 'golden.json'}: expected at least one golden prediction, found none")
    for number, expected in enumerate(golden):
        got = _predict(model, Article(title=expected.title, text=expected.text))
        if len(got.probabilities) != len(expected.probabilities) or not all(
            math.isclose(a, b, rel_tol=0, abs_tol=GOLDEN_TOLERANCE)
            for a, b in zip(got.probabilities, expected.probabilities, strict=True)
        ):
            raise BundleError(
                f"{directory / 'golden.json'}: item {number}: expected probabilities {expected.probabilities}, "
                f"got {got.probabilities}"
            )
    return len(golden)


def _predict(model: FramingModel, article: Article) -> Golden:
    answer = model.classify(article, evidence=0)
    scores = (*answer.topics, *answer.framings)
    return Golden(article.title, article.text, tuple(score.probability for score in scores))


def _weights(manifest: dict[str, Any], vocabulary: tuple[str, ...], arrays: dict[str, Any]) -> LinearWeights:
    least, greatest = manifest["sizes"]
    intercept, scale, shift = arrays["labels.npy"].astype(np.float64)
    return LinearWeights(
        vocabulary=vocabulary,
        ngrams=arrays["ngrams.npy"].astype(np.float32, copy=False),
        shape=arrays["shape.npy"].astype(np.float64, copy=False),
        intercept=intercept,
        scale=scale,
        shift=shift,
        exponent=float(manifest["exponent"]),
        sizes=(int(least), int(greatest)),
        bigrams=bool(manifest["bigrams"]),
    )


def _taxonomy(manifest: dict[str, Any]) -> Taxonomy:
    try:
        return Taxonomy.from_dict(manifest["taxonomy"])
    except (KeyError, ConfigError) as error:
        raise BundleError(f"{MANIFEST}: {error}") from error


def _check_files(directory: Path) -> None:
    found = {path.name for path in directory.iterdir()}
    expected = {MANIFEST, *CONTENTS}
    if found != expected:
        missing, foreign = sorted(expected - found), sorted(found - expected)
        raise BundleError(f"{directory}: files missing: {missing}; files that do not belong: {foreign}")
    for name in expected:
        path = directory / name
        if path.is_symlink() or not path.is_file():
            raise BundleError(f"{path}: expected a regular file")
    size = sum((directory / name).stat().st_size for name in expected)
    if size > MAX_BYTES:
        raise BundleError(f"{directory}: expected at most {MAX_BYTES} bytes, found {size}")


def _save_array(path: Path, array: np.ndarray[Any, Any]) -> None:
    np.save(path, array, allow_pickle=False)


def _load_array(path: Path, dimensions: int) -> np.ndarray[Any, Any]:
    try:
        array: np.ndarray[Any, Any] = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise BundleError(f"{path}: expected an array: {error}") from error
    if array.dtype.kind != "f" or array.ndim != dimensions or not np.isfinite(array).all():
        raise BundleError(
            f"{path}: expected {dimensions} dimensions of finite floats, got {array.ndim} of {array.dtype}"
        )
    return array


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BundleError(f"{path}: expected JSON: {error}") from error
