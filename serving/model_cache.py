"""Fetched models on disk: a folder for each version, and which version was last good for each model address.

Everything appears by an atomic rename, whole or not at all. A cache belongs to one registry.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

KEPT = 3  # versions beside those in use: enough for a rollback without the registry


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a model, the folder of its bundle, and the ids of its labels.

    A bundle that comes from no registry has no version: its digest will do. Its labels are not known before it is read.
    """

    version: str
    bundle: str
    labels: tuple[str, ...] = ()


class ModelCache:
    """The folder `folder` as far as it belongs to the registry at the address `registry`."""

    def __init__(self, folder: Path, registry: str) -> None:
        self.folder = folder / hashlib.sha256(registry.encode()).hexdigest()[:12]

    def place(self, name: str, version: str) -> Path:
        """Return the folder where a version is kept, or would be."""
        return self.folder / f"{_plain(name)}-{version}"

    def remember(self, model: str, version: ModelVersion) -> None:
        """Remember that `version` was good for the address `model`. OSError if the disk does not take it."""
        record = {**asdict(version), "bundle": str(Path(version.bundle).relative_to(self.folder))}
        with tempfile.NamedTemporaryFile("w", dir=self.folder, prefix=".last-", encoding="utf-8", delete=False) as file:
            try:
                json.dump(record, file)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).rename(self._record(model))
            except OSError:
                Path(file.name).unlink(missing_ok=True)
                raise

    def remembered(self, model: str) -> ModelVersion | None:
        """Return the version that was last good for the address `model`, if it is known and still there."""
        try:
            record: dict[str, Any] = json.loads(self._record(model).read_text("utf-8"))
            bundle = self.folder / record["bundle"]
            version = ModelVersion(str(record["version"]), str(bundle), tuple(map(str, record["labels"])))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return version if bundle.is_dir() else None

    def prune(self, in_use: AbstractSet[str]) -> None:
        """Delete versions but those whose bundles are `in_use` or remembered, and the `KEPT` newest of the others."""
        last = {json.loads(path.read_text("utf-8"))["bundle"] for path in self.folder.glob("last-*.json")}
        kept = {Path(bundle) for bundle in in_use} | {self.folder / bundle for bundle in last}
        others = [
            path
            for path in self.folder.iterdir()
            if path.is_dir()
            and not path.name.startswith(".")
            and not any(bundle.is_relative_to(path) for bundle in kept)
        ]
        for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
            with contextlib.suppress(OSError):
                self._delete(path)

    def _delete(self, path: Path) -> None:
        """Delete a version: at once for whoever looks, and then from the disk."""
        grave = Path(tempfile.mkdtemp(dir=self.folder, prefix=".old-"))
        path.rename(grave / path.name)
        shutil.rmtree(grave)

    def _record(self, model: str) -> Path:
        return self.folder / f"last-{_plain(model)}.json"


def _plain(name: str) -> str:
    """Return `name` as part of a file name, distinct for distinct names."""
    plain = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
