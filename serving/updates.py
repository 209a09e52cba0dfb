"""What becomes of a new version of a model: the reports of who looks for it, and the outcomes that are counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

CHAMPION, CHALLENGER = "champion", "challenger"  # roles


class Problem(StrEnum):
    """Why a version that should be served is not."""

    REGISTRY_UNAVAILABLE = "REGISTRY_UNAVAILABLE"  # nobody says which version it would be
    FETCH_FAILED = "FETCH_FAILED"  # the network or the disk
    BUNDLE_INVALID = "BUNDLE_INVALID"
    TAXONOMY_CHANGED = "TAXONOMY_CHANGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a look at the registry found for the address `model`: a checked bundle, or a problem and its detail."""

    model: str
    version: str = ""
    bundle: str = ""
    labels: tuple[str, ...] = ()
    problem: Problem | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SwapOutcome:
    """What became of `version` in its `role` at `time`, in seconds since 1970: it serves if there is no `problem`.

    The version is empty when nobody knows which it would be.
    """

    role: str
    version: str
    problem: Problem | None
    detail: str
    time: float


def read_report(message: Mapping[str, Any]) -> Report:
    """Return the report that was sent as `message`, its fields as JSON has them."""
    return Report(**{**message, "labels": tuple(message["labels"]), "problem": _problem(message)})


def read_outcome(message: Mapping[str, Any]) -> SwapOutcome:
    """Return the outcome that was sent as `message`, its fields as JSON has them."""
    return SwapOutcome(**{**message, "problem": _problem(message)})


def _problem(message: Mapping[str, Any]) -> Problem | None:
    return Problem(message["problem"]) if message["problem"] else None
