"""Runs held against the first of them: the figures, and the items that flipped with what each model saw in them."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from framing.article import Classification
from framing.bundle import load_bundle
from framing.errors import DataError
from framing.model import FramingModel
from framing.taxonomy import default_taxonomy
from training.archive import Archive, PastRun
from training.comparison import Pair, Report, compare, same_items
from training.comparison_page import comparison_page
from training.data import LabelledItem
from training.item_table import CORPUS_PATH, table_items
from training.prediction_table import PREDICTIONS_PATH

EVIDENCE_SENTENCES = 2

Progress = Callable[[str], None]


def compare_runs(archive: Archive, runs: Sequence[PastRun], *, progress: Progress) -> Report:
    """Return how each of `runs` differs from the first, and log a page of it to the newer of the two.

    Raises DataError that says what differs if items, labels or folds are not the same.
    """
    if len({run.id for run in runs}) < max(2, len(runs)):
        raise DataError(f"expected two different runs or more, got {', '.join(run.label for run in runs)}")
    base, *others = runs
    pairs = [_pair(archive, base, other) for other in others]  # all are checked before any is compared
    compared = []
    for other, pair in zip(others, pairs, strict=True):
        progress(f"{base.label} → {other.label}")
        report = {**_names(other), **compare(pair)}
        _add_evidence(archive, base, other, report["flips"])
        newer = max(base, other, key=lambda run: run.started)
        page = comparison_page(base.label, other.label, report)
        path = f"comparison/{base.id[:8]}-{other.id[:8]}.html"
        archive.write(newer, texts={path: page}, tags={})
        compared.append(report | {"page": {"run": newer.id, "path": path}})
    return {"base": _names(base), "compared": compared}


def _pair(archive: Archive, base: PastRun, other: PastRun) -> Pair:
    before, after = (archive.table(run, PREDICTIONS_PATH) for run in (base, other))
    try:
        return same_items(before, after, default_taxonomy())
    except DataError as error:
        settings = [name for name in ("folds.count", "seed") if base.parameters.get(name) != other.parameters.get(name)]
        more = "".join(f"; {name}: {base.parameters.get(name)} and {other.parameters.get(name)}" for name in settings)
        raise DataError(f"{base.label} and {other.label}: {error}{more}") from error


def _names(run: PastRun) -> Report:
    return {"label": run.label, "run": run.id, "name": run.name, "version": run.version}


def _add_evidence(archive: Archive, base: PastRun, other: PastRun, flips: Sequence[dict[str, Any]]) -> None:
    """Add to each flip what both shipped models saw in the item; runs without a version have none."""
    items = {item.id: item for item in table_items(archive.table(base, CORPUS_PATH))}
    with tempfile.TemporaryDirectory() as folder:
        models = {
            side: load_bundle(archive.bundle(run, Path(folder) / side))
            for side, run in (("before", base), ("after", other))
            if run.version
        }
    for flip in flips:
        flip["evidence"] = {side: _evidence(model, items[flip["item"]]) for side, model in models.items()}


def _evidence(model: FramingModel, item: LabelledItem) -> list[Mapping[str, Any]]:
    """Return the sentences that speak most for each label which the shipped model, fitted on all items, gives."""
    return list(_sentences(item, model.classify(item.article, evidence=EVIDENCE_SENTENCES)))


def _sentences(item: LabelledItem, answer: Classification) -> Iterator[Mapping[str, Any]]:
    for found in answer.evidence:
        text = item.article.part(found.part)
        begin, end = found.span.begin, found.span.end
        yield {
            "label": found.label,
            "text": text[begin:end],
            "contribution": found.contribution,
            "phrases": [[phrase.span.begin - begin, phrase.span.end - begin] for phrase in found.phrases],
        }
