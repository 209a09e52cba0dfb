"""From a registered version to champion: judge it by the gate, write down the verdict, move the alias."""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from framing.bundle import check_golden, load_bundle
from framing.errors import BundleError, Busy
from framing.model import FramingModel
from training.archive import Archive, PastRun
from training.config import Gate
from training.data import LabelledItem
from training.gate import Check, Contender, bundle_checks, data_checks
from training.item_table import CORPUS_PATH, table_items
from training.prediction_table import PREDICTIONS_PATH
from training.registry import CHAMPION

VERDICT_PATH = "promotion/verdict.json"
_TIMED_ITEMS = 100
_TAG_LENGTH = 500

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of `candidate`, held against `champion` (None if there is none)."""

    candidate: PastRun
    champion: PastRun | None
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that do not hold: the reasons to refuse, causes first."""
        return tuple(check for check in self.checks if not check.holds)

    @property
    def open(self) -> bool:
        """Whether the gate is open."""
        return not self.failed

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict with every figure as plain data."""
        return {
            "candidate": {"version": self.candidate.version, "run": self.candidate.id},
            "champion": {"version": self.champion.version, "run": self.champion.id} if self.champion else None,
            "open": self.open,
            "reasons": [check.name for check in self.failed],
            "checks": [asdict(check) for check in self.checks],
        }


def judge(archive: Archive, gate: Gate, candidate: PastRun, *, progress: Progress) -> Verdict:
    """Return the gate's verdict on `candidate`; nothing is changed.

    Raises ModelUnavailable if a run lacks what is judged (its bundle, predictions or corpus).
    """
    version = archive.tracking.registry.version_of(CHAMPION)
    champion = archive.find(version) if version and version != candidate.version else None
    progress(f"{candidate.label} against {champion.label if champion else 'no champion'}")
    new = _contender(archive, candidate)
    old = _contender(archive, champion) if champion else new  # the first one stands against itself
    checks = [*data_checks(gate, new, old), *_model_checks(archive, gate, candidate, champion, new.items)]
    return Verdict(candidate, champion, tuple(checks))


def promote(archive: Archive, verdict: Verdict) -> None:
    """Make the judged candidate champion, if the gate is open and the champion is still the one it was held against.

    The verdict is written to the candidate's run before any alias moves, and what came of it after. Raises
    Busy, and says so in the run, if another promotion was faster.
    """
    record(archive, verdict, "promoting" if verdict.open else "refused")
    if not verdict.open:
        return
    registry, version = archive.tracking.registry, str(verdict.candidate.version)
    try:
        registry.move_champion(version, expected=verdict.champion.version if verdict.champion else None)
    except Busy as error:
        archive.write(verdict.candidate, texts={}, tags={"framing.promotion": f"overtaken: {error}"[:_TAG_LENGTH]})
        raise
    archive.write(verdict.candidate, texts={}, tags={"framing.promotion": "promoted"})


def settle(archive: Archive, champion: PastRun) -> None:
    """Say in the run of `champion` that it was promoted, if whatever promoted it died before it could."""
    if champion.tags.get("framing.promotion") == "promoting":
        archive.write(champion, texts={}, tags={"framing.promotion": "promoted"})


def record(archive: Archive, verdict: Verdict, outcome: str) -> None:
    """Write `verdict` with every figure to the candidate's run and mark its version."""
    reasons = ", ".join(check.name for check in verdict.failed)
    tags = {
        "framing.gate": "open" if verdict.open else "closed",
        "framing.gate.reasons": reasons[:_TAG_LENGTH],
        "framing.gate.champion": (verdict.champion and verdict.champion.version) or "none",
        "framing.gate.judged": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps(verdict.to_dict(), ensure_ascii=False, indent=1)
    archive.write(verdict.candidate, texts={VERDICT_PATH: text}, tags={**tags, "framing.promotion": outcome})
    archive.tracking.registry.tag(str(verdict.candidate.version), {"gate": tags["framing.gate"], "reasons": reasons})


def _contender(archive: Archive, run: PastRun) -> Contender:
    return Contender(table_items(archive.table(run, CORPUS_PATH)), archive.table(run, PREDICTIONS_PATH))


def _model_checks(
    archive: Archive, gate: Gate, candidate: PastRun, champion: PastRun | None, items: Sequence[LabelledItem]
) -> list[Check]:
    with tempfile.TemporaryDirectory() as folder:
        bundle = archive.bundle(candidate, Path(folder) / "after")
        model = load_bundle(bundle)
        size = sum(file.stat().st_size for file in bundle.iterdir())
        models = {"after": model}
        if champion:
            models["before"] = load_bundle(archive.bundle(champion, Path(folder) / "before"))
        return list(bundle_checks(gate, size, _golden_fault(model, bundle), _seconds(models, items)))


def _golden_fault(model: FramingModel, bundle: Path) -> str:
    try:
        check_golden(model, bundle)
    except BundleError as error:
        return str(error)
    return ""


def _seconds(models: dict[str, FramingModel], items: Sequence[LabelledItem]) -> dict[str, list[float]]:
    """Return how long each model takes for each of some articles, in turn, so that a busy machine delays both alike."""
    articles = [item.article for item in items[:: max(1, len(items) // _TIMED_ITEMS)]]
    seconds: dict[str, list[float]] = {side: [] for side in models}
    for article in articles * 2:
        for side, model in models.items():
            begin = time.perf_counter()
            model.classify(article)
            seconds[side].append(time.perf_counter() - begin)
    return {side: times[len(articles) :] for side, times in seconds.items()}  # the first round fills the tables
