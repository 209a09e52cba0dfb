"""Runs, models and aliases in MLflow. The only file of the training package that imports mlflow."""

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

import datasets
import mlflow
import pandas as pd
from matplotlib.figure import Figure
from mlflow import MlflowClient
from mlflow.data.huggingface_dataset import from_huggingface
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from framing.errors import ModelUnavailable

CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS = "previous"
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
        _create_folder(uri)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        self.uri = uri
        self.experiment = experiment
        self.model = model
        self._client = MlflowClient(uri, uri)

    def version_of(self, alias: str) -> str | None:
        """Return the version that `alias` of the model points to, or None."""
        try:
            return str(self._client.get_model_version_by_alias(self.model, alias).version)
        except MlflowException:
            return None

    def set_alias(self, alias: str, version: str) -> None:
        """Point `alias` to `version`."""
        self._client.set_registered_model_alias(self.model, alias, version)

    @contextlib.contextmanager
    def run(self, name: str, tags: Mapping[str, str]) -> Iterator["Run"]:
        """Open a run; it ends FINISHED, FAILED with its reason, or KILLED when interrupted."""
        self._experiment_with_artifacts()
        project_run = os.environ.pop("MLFLOW_RUN_ID", "")  # `mlflow run` has a run of its own, in another experiment
        origin = {"framing.project_run": project_run} if project_run else {}
        active = mlflow.start_run(run_name=name, tags={**_commit_tags(), **origin, **tags})
        run = Run(active.info.run_id, self)
        try:
            yield run
        except KeyboardInterrupt:
            mlflow.end_run("KILLED")
            raise
        except BaseException as error:
            mlflow.set_tag("framing.failure", f"{type(error).__name__}: {error}"[:500])
            mlflow.end_run("FAILED")
            raise
        mlflow.end_run()

    def _experiment_with_artifacts(self) -> None:
        if self.uri.startswith("sqlite:///") and self._client.get_experiment_by_name(self.experiment) is None:
            folder = Path(self.uri.removeprefix("sqlite:///")).resolve().parent / "artifacts"
            with contextlib.suppress(MlflowException):  # another process was first
                self._client.create_experiment(self.experiment, artifact_location=folder.as_uri())
        mlflow.set_experiment(self.experiment)


class Run:
    """An open run."""

    def __init__(self, run_id: str, tracking: Tracking) -> None:
        self.id = run_id
        self._tracking = tracking

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Log settings, one by one."""
        mlflow.log_params(dict(parameters))

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log figures under names in which a dot makes a level."""
        mlflow.log_metrics({name.replace(".", "/"): value for name, value in metrics.items()})

    def log_dataset(self, rows: Sequence[Mapping[str, Any]], *, name: str, digest: str, context: str) -> None:
        """Log which data the run used, with its SHA-256 digest."""
        data = datasets.Dataset.from_list([dict(row) for row in rows])
        mlflow.log_param("data.sha256", digest)
        entry = from_huggingface(data, name=name, digest=digest[:_DIGEST_LENGTH])
        mlflow.log_input(entry, context=context)

    def log_figure(self, figure: Figure, path: str) -> None:
        """Log a picture."""
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

    def log_json(self, data: Any, path: str) -> None:
        """Log plain data as JSON."""
        mlflow.log_dict(data, path)

    def register(self, bundle: Path, metrics: Mapping[str, float]) -> str:
        """Log `bundle` as a pyfunc model, register it, and return its version."""
        logged = mlflow.pyfunc.log_model(
            name="model",
            loader_module=_LOADER,
            data_path=str(bundle),
            signature=ModelSignature(inputs=_INPUTS, outputs=_outputs()),
            input_example=pd.DataFrame({"text": ["Russia and Iran sign a treaty in Moscow"]}),
            pip_requirements=["framing"],
        )
        version = mlflow.register_model(logged.model_uri, self._tracking.model, tags={"run_id": self.id})
        for name, value in metrics.items():
            self._tracking._client.set_model_version_tag(self._tracking.model, version.version, name, f"{value:.4f}")
        return str(version.version)


def fetch_bundle(uri: str, model_uri: str, directory: Path) -> Path:
    """Download the model at `model_uri` from the registry at `uri` and return the folder of its bundle."""
    _create_folder(uri)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        folder = Path(mlflow.artifacts.download_artifacts(model_uri, dst_path=str(directory)))
    except MlflowException as error:
        raise ModelUnavailable(f"{model_uri} in {uri}: {error.message}") from error
    return folder / str(mlflow.models.Model.load(str(folder)).flavors["python_function"]["data"])


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


def _create_folder(uri: str) -> None:
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).resolve().parent.mkdir(parents=True, exist_ok=True)


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
