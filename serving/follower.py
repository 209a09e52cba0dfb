"""Finds the model to serve: a bundle folder, or a version of the registry through a process of its own."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from framing.errors import ModelUnavailable
from serving.settings import Settings


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a model and the folder of its bundle. A bundle out of no registry has no version: its digest is."""

    version: str
    bundle: Path


async def find_model(settings: Settings) -> ModelVersion:
    """Return the model that `settings` name; ModelUnavailable if it cannot be had."""
    if settings.bundle:
        return ModelVersion("", Path(settings.bundle).resolve())
    arguments = ["--tracking-uri", settings.tracking_uri, "--model", settings.model, "--cache", str(settings.cache)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "serving.model_source",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, problem = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode:
        lines = problem.decode("utf-8", "replace").strip().splitlines()
        raise ModelUnavailable(lines[-1] if lines else f"fetching {settings.model} ended with {process.returncode}")
    found = json.loads(output)
    return ModelVersion(found["version"], Path(found["bundle"]))
