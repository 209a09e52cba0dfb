import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from framing.bundle import CONTENTS, MANIFEST, check_golden, load_bundle, read_golden
from framing.errors import BundleError


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    shutil.copytree(bundle, tmp_path / "bundle")
    return tmp_path / "bundle"


def change_manifest(folder: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")


def resign(folder: Path) -> None:
    import hashlib

    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in CONTENTS}
    change_manifest(folder, lambda manifest: manifest.update(sha256=digests))


def test_a_loaded_model_reproduces_its_golden_predictions(bundle: Path) -> None:
    assert check_golden(load_bundle(bundle), bundle) == len(read_golden(bundle)) > 10


def test_version_and_origin_are_known(bundle: Path) -> None:
    assert load_bundle(bundle).version.startswith("sha256-")
    model = load_bundle(bundle, version="framing/3")
    assert (model.version, model.info) == ("framing/3", {"run_id": "r", "corpus_sha256": "c"})


def test_it_holds_no_pickle(bundle: Path) -> None:
    for file in bundle.iterdir():
        with pytest.raises((pickle.UnpicklingError, ValueError, KeyError, IndexError, EOFError, AttributeError)):
            pickle.loads(file.read_bytes())  # noqa: S301


@pytest.mark.parametrize("name", [MANIFEST, *CONTENTS])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=name):
        load_bundle(copy)


@pytest.mark.parametrize("name", CONTENTS)
def test_a_changed_file_is_named(copy: Path, name: str) -> None:
    with (copy / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(BundleError, match=f"{name}: its SHA-256"):
        load_bundle(copy)


def test_a_foreign_file_is_refused(copy: Path) -> None:
    (copy / "model.pkl").write_bytes(pickle.dumps({}))
    with pytest.raises(BundleError, match=r"do not belong.*model\.pkl"):
        load_bundle(copy)


def test_a_link_is_refused(copy: Path, tmp_path: Path) -> None:
    (copy / "vocabulary.txt").rename(tmp_path / "elsewhere.txt")
    (copy / "vocabulary.txt").symlink_to(tmp_path / "elsewhere.txt")
    with pytest.raises(BundleError, match="regular file"):
        load_bundle(copy)


def test_an_array_of_objects_is_refused_and_not_loaded(copy: Path) -> None:
    np.save(copy / "shape.npy", np.array([[print]], dtype=object), allow_pickle=True)
    resign(copy)
    with pytest.raises(BundleError, match=r"shape\.npy"):
        load_bundle(copy)


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.zeros((2, 2)), "expected shape"),
        (np.full((3, 8), np.nan), "finite"),
        (np.zeros((3, 8), dtype=int), "finite floats"),
    ],
)
def test_a_wrong_array_is_refused(copy: Path, array: np.ndarray, problem: str) -> None:  # type: ignore[type-arg]
    np.save(copy / "labels.npy", array)
    resign(copy)
    with pytest.raises(BundleError, match=problem):
        load_bundle(copy)


def test_a_bundle_with_other_counts_says_what_to_do(copy: Path) -> None:
    manifest = json.loads((copy / "bundle.json").read_text("utf-8"))
    manifest["shape"].append("quoted_share")
    (copy / "bundle.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(BundleError, match=r"quoted_share.*fitted anew"):
        load_bundle(copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.update(format=99),
        lambda manifest: manifest.update(fields=["all"]),
        lambda manifest: manifest.pop("sha256"),
        lambda manifest: manifest.pop("decisions"),
        lambda manifest: manifest["taxonomy"].pop("topics"),
        lambda manifest: manifest.update(sizes=[2]),
    ],
)
def test_a_broken_manifest_is_refused(copy: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    change_manifest(copy, change)
    with pytest.raises(BundleError):
        load_bundle(copy)


def test_other_predictions_than_the_golden_ones_are_refused(copy: Path) -> None:
    golden = json.loads((copy / "golden.json").read_text("utf-8"))
    golden[0]["probabilities"][0] += 0.001
    (copy / "golden.json").write_text(json.dumps(golden), "utf-8")
    resign(copy)
    with pytest.raises(BundleError, match="item 0"):
        check_golden(load_bundle(copy), copy)


def test_no_golden_predictions_are_refused(copy: Path) -> None:
    (copy / "golden.json").write_text("[]", "utf-8")
    resign(copy)
    with pytest.raises(BundleError, match="at least one"):
        check_golden(load_bundle(copy), copy)


def test_no_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="found none"):
        load_bundle(tmp_path / "nothing")
