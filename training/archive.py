"""Runs that have ended: what they left, and what is written to them afterwards."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from framing.errors import ModelUnavailable
from training.registry import CHALLENGER, CHAMPION, PREVIOUS
from training.tracking import Tracking, fetch_bundle

_ALIASES = (CHAMPION, CHALLENGER, PREVIOUS)


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that has ended, and the version of the model that came from it; None if none did."""

    id: str
    name: str
    started: int
    tags: Mapping[str, str]
    parameters: Mapping[str, str]
    version: str | None

    @property
    def label(self) -> str:
        """What people call it: the version, or else the run."""
        return f"version {self.version}" if self.version else f"run {self.id[:8]}"


class Archive:
    """The runs in a tracking store."""

    def __init__(self, tracking: Tracking) -> None:
        self.tracking = tracking
        self._client = MlflowClient(tracking.uri, tracking.uri)

    def find(self, reference: str) -> PastRun:
        """Return the run with the id `reference`, or of the version or alias of that name.

        ModelUnavailable if there is none, or if it has not ended well: what it left may then be half of it.
        """
        registry = self.tracking.registry
        version = registry.version_of(reference) if reference in _ALIASES else None
        if reference in _ALIASES and version is None:
            raise ModelUnavailable(f"{registry.model}@{reference} in {registry.uri}: expected a version, found none")
        if reference.isdecimal() and len(reference) < 10:
            version = reference
        return self._run(registry.run_of(version) if version else reference, version)

    def fitted_on(self, digest: str) -> list[PastRun]:
        """Return the finished runs whose corpus has the SHA-256 `digest`, the newest first."""
        experiment = self._client.get_experiment_by_name(self.tracking.experiment)
        if experiment is None:
            return []
        terms = f"attributes.status = 'FINISHED' and params.`data.sha256` = '{digest}'"
        found = self._client.search_runs([experiment.experiment_id], terms, order_by=["start_time DESC"])
        return [self._run(run.info.run_id, None) for run in found]

    def table(self, run: PastRun, path: str) -> pd.DataFrame:
        """Return the Parquet table that `run` logged as `path`; ModelUnavailable if it logged none."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                file = self._client.download_artifacts(run.id, path, folder)
            except (MlflowException, OSError) as error:
                raise ModelUnavailable(f"{run.label}: expected the artifact {path}: {error}") from error
            return pd.read_parquet(file)

    def bundle(self, run: PastRun, folder: Path) -> Path:
        """Download the bundle of the version that came from `run` into `folder` and return where it is."""
        if run.version is None:
            raise ModelUnavailable(f"{run.label}: expected a registered version, found none")
        return fetch_bundle(self.tracking.uri, f"models:/{self.tracking.registry.model}/{run.version}", folder)

    def write(self, run: PastRun, *, texts: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Add files to `run`, by their paths, and then tags."""
        for path, text in texts.items():
            self._client.log_text(run.id, text, path)
        for name, value in tags.items():
            self._client.set_tag(run.id, name, value)

    def _run(self, run_id: str, version: str | None) -> PastRun:
        try:
            run: Any = self._client.get_run(run_id)
        except MlflowException as error:
            raise ModelUnavailable(f"run {run_id} in {self.tracking.uri}: {error.message}") from error
        if run.info.status != "FINISHED":
            raise ModelUnavailable(f"run {run_id}: expected a finished run, it is {run.info.status}")
        version = version or self.tracking.registry.version_from(run_id)
        return PastRun(run_id, run.info.run_name, run.info.start_time, run.data.tags, run.data.params, version)
