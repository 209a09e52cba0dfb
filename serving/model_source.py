"""Follows the registry, fetches models and checks them. Runs as a process of its own: only this one imports mlflow.

    python -m serving.model_source FD --tracking-uri URI --cache FOLDER --interval SECONDS --model MODEL

Writes a `Report` to the channel FD, one JSON object a line, for each model and whenever what is found changes. Ends
when the other end of the channel has gone, or when every model is a pinned version that has been fetched.
"""

import argparse
import contextlib
import json
import os
import re
import select
import shutil
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # the next look is the retry
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

import mlflow
import yaml
from mlflow import MlflowClient

from framing.bundle import check_golden, load_bundle
from framing.errors import BundleError
from serving.model_cache import ModelCache
from serving.updates import Problem, Report

_PREFIX = "models:/"
_LONGEST_PAUSE = 60.0
_LONGEST_DETAIL = 500
_STAGING = re.compile(r"\.fetch-[^/\s]*/")  # of a random name: the same problem must read the same every time
_POLITE = 10  # the work of the server comes first


class ModelSource:
    """A registry, and the cache that its models are fetched into."""

    def __init__(self, tracking_uri: str, cache: ModelCache) -> None:
        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_registry_uri(tracking_uri)
        self._client = MlflowClient(tracking_uri, tracking_uri)
        self._secret = urlsplit(tracking_uri).password or ""
        self._cache = cache
        self._labels: dict[str, tuple[str, ...]] = {}  # of the bundles that have been checked
        self._refused: dict[str, Report] = {}

    def look(self, model: str) -> Report:
        """Return which version `model` means now, fetched and checked, or what is in the way."""
        try:
            name, version = self._resolve(model)
        except Exception as error:  # noqa: BLE001  # whatever the registry's library raises, looking goes on
            return Report(model=model, problem=Problem.REGISTRY_UNAVAILABLE, detail=f"{model}: {self._line(error)}")
        title = f"{name}/{version}"
        if title in self._refused:
            return self._refused[title]
        try:
            bundle = self._fetch(name, version)
        except BundleError as error:
            self._refused[title] = Report(
                model=model, version=title, problem=Problem.BUNDLE_INVALID, detail=self._line(error)
            )
            return self._refused[title]
        except Exception as error:  # noqa: BLE001  # as above
            return Report(model=model, version=title, problem=Problem.FETCH_FAILED, detail=self._line(error))
        return self._compatible(
            Report(model=model, version=title, bundle=str(bundle), labels=self._labels[str(bundle)])
        )

    def _resolve(self, model: str) -> tuple[str, str]:
        """Return name and version of ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``."""
        rest = model.removeprefix(_PREFIX)
        if model.startswith(_PREFIX) and "@" in rest:
            name, _, alias = rest.partition("@")
            return name, str(self._client.get_model_version_by_alias(name, alias).version)
        name, slash, version = rest.partition("/")
        if not (model.startswith(_PREFIX) and slash and version.isdecimal()):
            raise ValueError("expected models:/NAME@ALIAS or models:/NAME/VERSION")
        return name, version

    def _fetch(self, name: str, version: str) -> Path:
        """Return the folder of a bundle that has been checked, out of the cache if it is there."""
        kept = self._cache.place(name, version)
        if kept.is_dir():
            with contextlib.suppress(BundleError):
                return self._check(kept)
            shutil.rmtree(kept)
        self._cache.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache.folder, prefix=".fetch-") as folder:
            fetched = Path(mlflow.artifacts.download_artifacts(f"{_PREFIX}{name}/{version}", dst_path=folder))
            inside = self._check(fetched).relative_to(fetched)
            try:
                fetched.rename(kept)
            except OSError:
                if not kept.is_dir():  # if it is there, another process was first
                    raise
        self._labels[str(kept / inside)] = self._labels.pop(str(fetched / inside))
        return kept / inside

    def _check(self, folder: Path) -> Path:
        """Return the folder of the bundle inside a model's folder; BundleError if it is not what it says."""
        bundle = _bundle_of(folder)
        if str(bundle) not in self._labels:
            model = load_bundle(bundle)
            check_golden(model, bundle)
            self._labels[str(bundle)] = model.taxonomy.topic_ids + model.taxonomy.framing_ids
        return bundle

    def _compatible(self, report: Report) -> Report:
        """Return `report`, or why clients of the version that was last good would not understand this one."""
        last = self._cache.remembered(report.model)
        if last is None or last.labels == report.labels:
            return report
        detail = f"expected the labels {', '.join(last.labels)} of {last.version}, got {', '.join(report.labels)}"
        return Report(model=report.model, version=report.version, problem=Problem.TAXONOMY_CHANGED, detail=detail)

    def _line(self, error: Exception) -> str:
        """Return what `error` says as one line without our folders and without the registry's password."""
        text = " ".join(str(error).split()) or repr(error)
        for hidden in filter(None, (f"{self._cache.folder}{os.sep}", self._secret)):
            text = text.replace(hidden, "")
        return _STAGING.sub("", text)[:_LONGEST_DETAIL]


def _bundle_of(folder: Path) -> Path:
    try:
        model = yaml.safe_load((folder / "MLmodel").read_text("utf-8"))  # Model.load wants pandas for the signature
        data = model["flavors"]["python_function"]["data"]
    except Exception as error:
        raise BundleError(f"{folder.name}: expected a pyfunc model with a bundle: {error!r}") from error
    bundle = folder / str(data)
    if not bundle.resolve().is_relative_to(folder.resolve()):
        raise BundleError(f"{folder.name}: expected the bundle inside the model, got {data!r}")
    return bundle


def follow(source: ModelSource, models: Sequence[str], interval: float, channel: socket.socket) -> None:
    """Report until the other end of `channel` has gone, or there is nothing left to wait for."""
    last: dict[str, Report] = {}
    pause = interval
    while True:
        for model in models:
            report = source.look(model)
            if report != last.get(model):
                channel.sendall(json.dumps(asdict(report)).encode() + b"\n")
                last[model] = report
        if all("@" not in model and not last[model].problem for model in models):
            return
        troubled = any(
            report.problem in (Problem.FETCH_FAILED, Problem.REGISTRY_UNAVAILABLE) for report in last.values()
        )
        pause = min(pause * 2, max(interval, _LONGEST_PAUSE)) if troubled else interval
        if select.select([channel], [], [], pause)[0]:
            return


def main() -> None:
    """Follow what the command line names."""
    parser = argparse.ArgumentParser(prog="serving.model_source", description=__doc__)
    parser.add_argument("channel", type=int)
    parser.add_argument("--tracking-uri", required=True)
    parser.add_argument("--cache", required=True, type=Path)
    parser.add_argument("--interval", required=True, type=float)
    parser.add_argument("--model", required=True, action="append")
    options = parser.parse_args()
    os.nice(_POLITE)
    source = ModelSource(options.tracking_uri, ModelCache(options.cache, options.tracking_uri))
    with socket.socket(fileno=options.channel) as channel, contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        follow(source, options.model, options.interval, channel)


if __name__ == "__main__":
    main()
