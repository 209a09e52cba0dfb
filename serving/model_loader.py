"""Loads the model to serve: from a bundle folder, or from the registry through a process of its own."""

import asyncio
import json
import sys
from pathlib import Path

from framing.bundle import check_golden, load_bundle
from framing.errors import ModelUnavailable
from framing.model import FramingModel
from serving.settings import Settings


async def load_model(settings: Settings) -> FramingModel:
    """Return the model that `settings` name, its golden predictions reproduced.

    Raises ModelUnavailable if it cannot be had, BundleError if it is not what it says.
    """
    if settings.bundle:
        return await asyncio.to_thread(_open, Path(settings.bundle), "")
    found = await _fetch(settings)
    return await asyncio.to_thread(_open, Path(found["bundle"]), found["version"])


def _open(bundle: Path, version: str) -> FramingModel:
    model = load_bundle(bundle, version=version)
    check_golden(model, bundle)
    return model


async def _fetch(settings: Settings) -> dict[str, str]:
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
    found: dict[str, str] = json.loads(output)
    return found
