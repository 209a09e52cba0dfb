"""Runs in MLflow. With training.registry the only file of the training package that imports mlflow.

A process may be killed at any moment. So an SQLite store appears whole or not at all; a run has all its artifacts
before it ends, ends before its model gets a version, and has a version before an alias moves; and a run whose process
is gone is marked KILLED by the next one.
"""

import contextlib
import logging
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # that is for --json

import datasets
import mlflow
import pandas as pd
from matplotlib.figure import Figure
from mlflow import MlflowClient
from mlflow.data.huggingface_dataset import from_huggingface
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.types import ColSpec, Schema

from framing.errors import ModelUnavailable
from training.locks import file_lock
from training.processes import has_died, this_process
from training.registry import Registry

_PROCESS = "framing.process"
_PAGES = {"mlflow.experimentKind": "custom_model_development"}  # else MLflow's pages are those for language models
_SQLITE = "sqlite:///"
_DIGEST_LENGTH = 36  # what MLflow's data base holds; the whole digest is a parameter of the run
_LOADER = "training.pyfunc"
_INPUTS = Schema(
    [
        ColSpec("string", "text"),
        ColSpec("string", "title", required=False),
        ColSpec("string", "language", required=False),
    ]
)


class Tracking:
    """A tracking store and its model registry, at a tracking URI."""

    def __init__(self, uri: str, *, experiment: str, model: str) -> None:
        _open_store(uri)
        self.uri = uri
        self.experiment = experiment
        self.registry = Registry(uri, model)
        self._client = MlflowClient(uri, uri)

    @contextlib.contextmanager
    def run(self, name: str, tags: Mapping[str, str]) -> Iterator["Run"]:
        """Open a run; it ends FINISHED, FAILED with its reason, or KILLED when interrupted."""
        _use(self.uri)
        experiment = self._experiment_with_artifacts()
        self._bury_the_dead(experiment)
        project_run = os.environ.pop("MLFLOW_RUN_ID", "")  # `mlflow run` has a run of its own, in another experiment
        origin = {"framing.project_run": project_run} if project_run else {}
        tags = {**_commit_tags(), **origin, _PROCESS: this_process(), **tags}
        try:
            yield Run(mlflow.start_run(experiment_id=experiment, run_name=name, tags=tags).info.run_id)
        except KeyboardInterrupt as error:
            _end("KILLED", str(error) or "interrupted")
            raise
        except BaseException as error:
            _end("FAILED", f"{type(error).__name__}: {error}"[:500])
            raise
        mlflow.end_run()

    def _bury_the_dead(self, experiment: str) -> None:
        """Mark as KILLED the runs that are RUNNING for the store, but whose process on this machine is gone."""
        for run in self._client.search_runs([experiment], "attributes.status = 'RUNNING'"):
            if has_died(run.data.tags.get(_PROCESS, "")):
                self._client.set_tag(run.info.run_id, "framing.failure", "its process died")
                self._client.set_terminated(run.info.run_id, "KILLED")

    def _experiment_with_artifacts(self) -> str:
        """Return the experiment; set_experiment would log to another one if another process makes it at that moment."""
        if self._client.get_experiment_by_name(self.experiment) is None:
            folder = Path(self.uri.removeprefix(_SQLITE)).resolve().parent / "artifacts"
            location = folder.as_uri() if self.uri.startswith(_SQLITE) else None
            with contextlib.suppress(MlflowException):  # another process was first
                self._client.create_experiment(self.experiment, artifact_location=location, tags=_PAGES)
        return str(mlflow.set_experiment(self.experiment).experiment_id)


class Run:
    """An open run."""

    def __init__(self, run_id: str) -> None:
        self.id = run_id

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Log settings, one by one."""
        mlflow.log_params(dict(parameters))

    def log_metrics(self, metrics: Mapping[str, float], *, step: int | None = None) -> None:
        """Log figures under names in which a dot makes a level; those of many steps are a curve."""
        mlflow.log_metrics({name.replace(".", "/"): value for name, value in metrics.items()}, step=step)

    def log_dataset(self, rows: Sequence[Mapping[str, Any]], *, name: str, digest: str, context: str) -> None:
        """Log which data the run used, with its SHA-256 digest."""
        data = datasets.Dataset.from_list([dict(row) for row in rows])
        mlflow.log_param("data.sha256", digest)
        entry = from_huggingface(data, name=name, digest=digest[:_DIGEST_LENGTH])
        mlflow.log_input(entry, context=context)

    def log_figure(self, figure: Figure, path: str) -> None:
        """Log a picture. It is laid out once: to be saved, it would be laid out twice and drawn once for nothing."""
        if layout := figure.get_layout_engine():
            layout.execute(figure)
            figure.set_layout_engine("none")
        mlflow.log_figure(figure, path)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Tag the run."""
        mlflow.set_tags(dict(tags))

    def log_table(self, table: pd.DataFrame, path: str) -> None:
        """Log a table as a Parquet file."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / Path(path).name
            table.to_parquet(file, index=False)
            mlflow.log_artifact(str(file), str(Path(path).parent))

    def log_browsable_table(self, table: pd.DataFrame, path: str) -> None:
        """Log a table as MLflow shows and compares tables, a JSON file at `path`."""
        mlflow.log_table(table, path)

    def log_text(self, text: str, path: str) -> None:
        """Log a text."""
        mlflow.log_text(text, path)

    def describe(self, markdown: str) -> None:
        """Set what MLflow shows at the top of the run's page."""
        mlflow.set_tag("mlflow.note.content", markdown)

    def log_json(self, data: Any, path: str) -> None:
        """Log plain data as JSON."""
        mlflow.log_dict(data, path)

    def log_bundle(self, bundle: Path) -> str:
        """Log `bundle` as a pyfunc model and return its address, by which it can be registered."""
        logged = mlflow.pyfunc.log_model(
            name="model",
            loader_module=_LOADER,
            data_path=str(bundle),
            signature=ModelSignature(inputs=_INPUTS, outputs=_outputs()),
            input_example=pd.DataFrame({"text": ["Russia and Iran sign a treaty in Moscow"]}),
            pip_requirements=["framing"],
        )
        return str(logged.model_uri)


def fetch_bundle(uri: str, model_uri: str, directory: Path) -> Path:
    """Download the model at `model_uri` from the registry at `uri` and return the folder of its bundle."""
    _open_store(uri)
    try:
        folder = Path(mlflow.artifacts.download_artifacts(model_uri, dst_path=str(directory)))
    except MlflowException as error:
        raise ModelUnavailable(f"{model_uri} in {uri}: {error.message}") from error
    return folder / str(mlflow.models.Model.load(str(folder)).flavors["python_function"]["data"])


def _end(status: str, reason: str) -> None:
    """End the open run; if there is none, the store refused it, and to tag it would open another."""
    if mlflow.active_run():
        mlflow.set_tag("framing.failure", reason)
        mlflow.end_run(status)


def _outputs() -> Schema:
    return Schema(
        [
            ColSpec("string", "framing"),
            ColSpec("string", "stance"),
            ColSpec("string", "topics"),
            ColSpec("string", "abstention"),
            ColSpec("string", "probabilities"),
        ]
    )


def _open_store(uri: str) -> None:
    """Let MLflow use the store at `uri`; make it if it is an SQLite database that is not there yet.

    MLflow makes the tables in many steps, and refuses a database in which some are missing. So they are made
    beside it, by one process at a time, and the whole is given its name.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    database = Path(uri.removeprefix(_SQLITE)).resolve() if uri.startswith(_SQLITE) else None
    if database and not database.exists():
        with file_lock(database.with_name(f"{database.name}.lock"), wait=True):
            if not database.exists():
                _make_database(database)
    _use(uri)


def _use(uri: str) -> None:
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)


def _make_database(database: Path) -> None:
    draft = database.with_name(f"{database.name}.making")
    for leftover in (draft, draft.with_name(f"{draft.name}-journal")):  # of a process that was killed
        leftover.unlink(missing_ok=True)
    MlflowClient(f"{_SQLITE}{draft}", f"{_SQLITE}{draft}").search_experiments()
    SqlAlchemyStore._engine_map.pop(f"{_SQLITE}{draft}").dispose()
    with contextlib.suppress(FileExistsError):  # MLflow's own server was first
        os.link(draft, database)
    draft.unlink()


def _commit_tags() -> dict[str, str]:
    """Return the commit of the checkout and whether it has changes; nothing outside a checkout."""
    folder = Path(__file__).parent
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        dirty = _git(folder, "status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"mlflow.source.git.commit": commit, "framing.dirty": str(bool(dirty)).lower()}


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
