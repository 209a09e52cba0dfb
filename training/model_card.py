"""The model card (Mitchell et al. 2019): what a model is for, what it was made of, how good it is and where not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from framing.taxonomy import Taxonomy
from training.evaluate import Report

_MEASURES = (("topics", "f1_micro"), ("topics", "f1_macro"), ("framing", "f1_macro"), ("framing", "accuracy"))
_WORDS = 6
_LEAST_ITEMS = 30


def model_card(
    report: Report, taxonomy: Taxonomy, words: pd.DataFrame, *, about: Mapping[str, str], corpus: Mapping[str, Any]
) -> str:
    """Return the card in Markdown. `about` are facts of the run, `corpus` counts of what was fitted on."""
    parts = [
        ["# Model card: topics and framing of news about Iran and Russia", "", *_list(about)],
        ["## Use", *_USE],
        ["## Labels", "", *_labels(taxonomy)],
        ["## Data", "", *_list(corpus)],
        ["## Figures", "", _PROTOCOL, "", *figures_table(report)],
        ["### By label", "", *_label_table(report)],
        ["### By slice", "", *_slice_table(report)],
        ["### Probabilities and abstention", "", *_probabilities(report)],
        ["## Most telling words", "", *_word_table(words)],
        ["## Limits", *_LIMITS],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def figures_table(report: Report) -> Iterator[str]:
    """Yield a Markdown table of the model beside its baselines, with intervals."""
    yield from _table(
        ["", *(f"{task} {name}" for task, name in _MEASURES)],
        [[name, *_cells(row)] for name, row in {"**model**": report, **report.get("baselines", {})}.items()],
    )


_USE = """
- Meant for: sorting news items in Arabic, English, Persian and Russian by topic and by how the outlet frames the
  Iran–Russia relationship, with a person who reads what matters.
- Not meant for: judging outlets by single items, other relationships, other languages, or anything decided
  without a reader. Do not publish counts of rare labels without reading the items.""".splitlines()

_PROTOCOL = (
    "On held-out stories: each item is answered by a model that saw neither it nor its story nor a near-duplicate; "
    "calibration, thresholds and abstention come from the other folds. Framings are weighted to the configured prior. "
    "In brackets 95 % intervals over stories. The baselines are calibrated and decided in the same way."
)

_LIMITS = """
- The bundled corpus is written for the purpose, not collected: figures on real news are lower (see BENCHMARKS.md).
- Figures are for stories that were not fitted on, by outlets most of which were.
- Evidence says what moved the linear score, not why an outlet wrote so.""".splitlines()


def _labels(taxonomy: Taxonomy) -> Iterator[str]:
    for kind, labels in (("topic", taxonomy.topics), ("framing", taxonomy.framings)):
        yield from (f"- {kind} `{label.id}`: {label.definition}" for label in labels)


def _label_table(report: Report) -> Iterator[str]:
    names = ("precision", "recall", "f1", "average_precision", "support")
    rows = [
        [label, *(f"{scores[name]:.3f}" for name in names[:-1]), f"{scores['support']:.0f}"]
        for task in ("topics", "framing")
        for label, scores in report[task]["labels"].items()
    ]
    yield from _table(["label", *names], rows)


def _slice_table(report: Report) -> Iterator[str]:
    rows = [
        [f"{way.removeprefix('by_')} {name}", str(part["items"]), *_cells(part)]
        for way in ("by_language", "by_kind", "by_length")
        for name, part in report[way].items()
        if part["items"] >= _LEAST_ITEMS
    ]
    yield from _table(["slice", "items", *(f"{task} {name}" for task, name in _MEASURES)], rows)


def _probabilities(report: Report) -> Iterator[str]:
    framing, selective = report["calibration"]["framing"], report["selective"]
    low, high = framing["intervals"]["expected_calibration_error"]
    error = framing["expected_calibration_error"]
    yield f"- expected calibration error of the framing {error:.3f} [{low:.3f}, {high:.3f}]"
    yield f"- log loss {framing['log_loss']:.3f}, Brier score {framing['brier']:.3f}"
    coverage, accuracy = selective["coverage"], selective["accuracy"]
    yield f"- a framing is given for {coverage:.1%} of the items; {accuracy:.1%} of these are right"
    low, high = selective["intervals"]["accuracy_at_70%"]
    yield f"- at 70 % coverage {selective['accuracy_at_coverage']['70%']:.1%} are right [{low:.1%}, {high:.1%}]"


def _word_table(words: pd.DataFrame) -> Iterator[str]:
    languages = sorted(set(words["language"]))
    top = words[words["rank"] <= _WORDS]
    rows = [
        [label, *(" ".join(top[(top["label"] == label) & (top["language"] == name)]["word"]) for name in languages)]
        for label in dict.fromkeys(words["label"])
    ]
    yield from _table(["label", *languages], rows)


def _cells(row: Report) -> list[str]:
    cells = []
    for task, name in _MEASURES:
        low, high = row[task]["intervals"].get(name, (None, None))
        cells.append(f"{row[task][name]:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low is not None else ""))
    return cells


def _list(facts: Mapping[str, Any]) -> Iterator[str]:
    return (f"- {name}: {value}" for name, value in facts.items())


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for cells in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
