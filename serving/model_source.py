"""Fetches a registered model into a folder. Runs as a process of its own: the only one here that imports mlflow.

    python -m serving.model_source --tracking-uri URI --model models:/framing@champion --cache FOLDER

Prints one JSON object: `version` and `bundle`, the folder to load. Exit code 3 means that the
registry has no such model or cannot be reached; standard error then says why.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

EXIT_UNAVAILABLE = 3
_PREFIX = "models:/"


def main() -> None:
    """Fetch the model that the command line names."""
    parser = argparse.ArgumentParser(prog="serving.model_source", description=__doc__)
    parser.add_argument("--tracking-uri", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--cache", required=True, type=Path)
    options = parser.parse_args()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            found = fetch(options.tracking_uri, options.model, options.cache)
    except (MlflowException, OSError, ValueError) as error:
        print(f"{options.model} in {options.tracking_uri}: {error}", file=sys.stderr)
        sys.exit(EXIT_UNAVAILABLE)
    print(json.dumps(found))


def fetch(tracking_uri: str, model: str, cache: Path) -> dict[str, str]:
    """Return the version that `model` names and the folder of its bundle below `cache`."""
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    name, version = _resolve(MlflowClient(tracking_uri, tracking_uri), model)
    kept = cache / f"{name}-{version}"
    if not kept.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            fetched = mlflow.artifacts.download_artifacts(f"{_PREFIX}{name}/{version}", dst_path=folder)
            with contextlib.suppress(FileExistsError):  # another process was first
                Path(fetched).rename(kept)
    flavour = mlflow.models.Model.load(str(kept)).flavors["python_function"]
    return {"version": f"{name}/{version}", "bundle": str(kept / flavour["data"])}


def _resolve(client: MlflowClient, model: str) -> tuple[str, str]:
    """Return name and version of ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``."""
    rest = model.removeprefix(_PREFIX)
    if model.startswith(_PREFIX) and "@" in rest:
        name, _, alias = rest.partition("@")
        return name, str(client.get_model_version_by_alias(name, alias).version)
    name, slash, version = rest.partition("/")
    if not (model.startswith(_PREFIX) and slash and version.isdecimal()):
        raise ValueError("expected models:/NAME@ALIAS or models:/NAME/VERSION")
    return name, version


if __name__ == "__main__":
    main()
