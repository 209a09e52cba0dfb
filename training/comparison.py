"""Two sets of answers to the same items: what differs, with intervals, slice by slice and item by item.

Works on tables of out-of-fold predictions (training.prediction_table). `before` is the one that was there, `after` the
new one; a difference is `after - before`. Items weigh as in `before`, whose priors are those of the model in use.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from framing.errors import DataError
from framing.taxonomy import Taxonomy
from training.metrics import Matrix, accuracy, f1_macro, f1_micro, label_counts, one_against_rest, ratio
from training.probability_metrics import bin_sums, calibration_error, item_log_loss
from training.resampling import Difference, Resamples, Statistic
from training.slices import NONE, length_bucket

Report = dict[str, Any]

LEAST_SLICE_ITEMS = 30
RESAMPLES = 2000  # more than of one model's figures: the gate looks far into their tails
CONFIDENCE = 0.95
SMALLER_IS_BETTER = frozenset({"framing.log_loss", "framing.calibration_error"})
_SHOWN_IDS = 3


class Pair:
    """Two tables of predictions for the same items in the same order; the labels are those of `before`."""

    def __init__(self, before: pd.DataFrame, after: pd.DataFrame, taxonomy: Taxonomy, *, seed: int = 0) -> None:
        self.before = before
        self.after = after
        self.taxonomy = taxonomy
        self._resamples = Resamples(list(before["story"]), count=RESAMPLES, seed=seed)
        self._counts: dict[str, tuple[Matrix, Matrix]] = {}

    def difference(self, figure: str, *, confidence: float, rows: npt.NDArray[np.bool_] | None = None) -> Difference:
        """Return how the two differ in `figure`, on all items or where `rows` (n,) is true."""
        kind, statistic = _FIGURES[figure]
        if kind not in self._counts:
            self._counts[kind] = self._weighted(kind, self.before), self._weighted(kind, self.after)
        return self._resamples.difference(*self._counts[kind], statistic, rows=rows, confidence=confidence)

    def _weighted(self, kind: str, table: pd.DataFrame) -> Matrix:
        counts = _COUNTS[kind](self.before, table, self.taxonomy)
        weights = self.before["weight"].to_numpy(dtype=np.float64)
        weighted: Matrix = counts * weights.reshape(-1, *[1] * (counts.ndim - 1))
        return weighted


def same_items(before: pd.DataFrame, after: pd.DataFrame, taxonomy: Taxonomy) -> Pair:
    """Return both tables as a pair; DataError that says what differs unless items, labels and folds are the same."""
    faults = [*_item_faults(before, after), *_column_faults(before, after)]
    if faults:
        raise DataError(f"the runs cannot be compared: {'; '.join(faults)}")
    return Pair(before, after, taxonomy)


def _item_faults(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[str]:
    sides = [set(table["item"]) for table in (before, after)]
    for name, only in (("first", sides[0] - sides[1]), ("second", sides[1] - sides[0])):
        if only:
            yield f"{len(only)} items are only in the {name} ({_some(only)})"


def _column_faults(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[str]:
    merged = before.merge(after, on="item", suffixes=("", "@"))
    labels = [column for column in before if str(column).startswith("true.")]
    groups = (("labels", labels), ("folds", ["fold"]), ("stories", ["story"]))
    for name, columns in groups:
        differs = np.zeros(len(merged), dtype=bool)
        for column in columns:
            differs |= (merged[column] != merged[f"{column}@"]).to_numpy()
        if differs.any():
            yield f"{differs.sum()} of {len(merged)} items have other {name} ({_some(merged['item'][differs])})"


def _some(items: Any) -> str:
    shown = sorted(items)[:_SHOWN_IDS]
    return ", ".join(shown) + (", …" if len(items) > len(shown) else "")


def compare(pair: Pair, *, confidence: float = CONFIDENCE, least_items: int = LEAST_SLICE_ITEMS) -> Report:
    """Return every figure's difference with its interval, overall and by slice, and the items whose answer changed.

    Slices of fewer than `least_items` items are left out. The intervals hold one by one, not all together.
    """
    return {
        "items": len(pair.before),
        "stories": int(pair.before["story"].nunique()),
        "confidence": confidence,
        "overall": {name: asdict(pair.difference(name, confidence=confidence)) for name in _FIGURES},
        "slices": {
            name: _slice_figures(pair, members, confidence, least_items)
            for name, members in slice_names(pair.before).items()
        },
        "flips": list(flips(pair)),
    }


def slice_names(table: pd.DataFrame) -> dict[str, npt.NDArray[np.str_]]:
    """Return, for each way of slicing, the name of the slice that each item is in."""
    columns = {
        "language": table["lang"],
        "kind": table["kind"],
        "length": table["words"].map(length_bucket),
        "outlet": table["outlet"],
    }
    return {name: column.replace("", NONE).to_numpy(dtype=str) for name, column in columns.items()}


def large_slices(members: npt.NDArray[np.str_], least_items: int) -> dict[str, npt.NDArray[np.bool_]]:
    """Return, for each slice of at least `least_items` items, which items are in it."""
    names, sizes = np.unique(members, return_counts=True)
    return {str(name): members == name for name, size in zip(names, sizes, strict=True) if size >= least_items}


def _slice_figures(pair: Pair, members: npt.NDArray[np.str_], confidence: float, least_items: int) -> Report:
    return {
        name: {"items": int(rows.sum())}
        | {figure: asdict(pair.difference(figure, confidence=confidence, rows=rows)) for figure in SLICE_FIGURES}
        for name, rows in large_slices(members, least_items).items()
    }


def flips(pair: Pair) -> Iterator[Report]:
    """Yield the items whose framing or topics changed, those first that moved most.

    `gained` says whether the answers that changed are right now (true), were right (false), or neither (None).
    """
    topics = [f"topic.{topic}" for topic in pair.taxonomy.topic_ids]
    given = ["given.framing", *(f"given.{topic}" for topic in topics)]
    changed = (pair.before[given] != pair.after[given]).any(axis=1).to_numpy()
    rows = [
        _flip(before, after, pair.taxonomy)
        for before, after in zip(
            *(table[changed].to_dict("records") for table in (pair.before, pair.after)), strict=True
        )
    ]
    yield from sorted(rows, key=lambda row: (-abs(row["moved"]), row["item"]))


def _flip(before: Mapping[Any, Any], after: Mapping[Any, Any], taxonomy: Taxonomy) -> Report:
    truth = before["true.framing"]
    changes = [_change(truth, before["given.framing"], after["given.framing"])]
    names = [("true", before, "true"), ("before", before, "given"), ("after", after, "given")]
    topics = {
        name: [topic for topic in taxonomy.topic_ids if row[f"{kind}.topic.{topic}"]] for name, row, kind in names
    }
    for topic in taxonomy.topic_ids:
        truth_of_topic = before[f"true.topic.{topic}"]
        changes.append(_change(truth_of_topic, before[f"given.topic.{topic}"], after[f"given.topic.{topic}"]))
    return {
        **{name: before[name] for name in ("item", "story", "lang", "kind", "outlet", "title")},
        "framing": {"true": truth, "before": before["given.framing"], "after": after["given.framing"]},
        "topics": topics,
        "probability": {"before": before[f"p.framing.{truth}"], "after": after[f"p.framing.{truth}"]},
        "moved": after[f"p.framing.{truth}"] - before[f"p.framing.{truth}"],
        "gained": None if not sum(changes) else sum(changes) > 0,
    }


def _change(truth: object, before: object, after: object) -> int:
    return int(after == truth) - int(before == truth)


def _framing_index(column: pd.Series, taxonomy: Taxonomy) -> npt.NDArray[np.int64]:
    numbers = {name: index for index, name in enumerate(taxonomy.framing_ids)}
    return np.asarray(column.map(numbers), dtype=np.int64)


def _topic_columns(table: pd.DataFrame, kind: str, taxonomy: Taxonomy) -> npt.NDArray[np.int64]:
    return np.asarray(table[[f"{kind}.topic.{topic}" for topic in taxonomy.topic_ids]], dtype=np.int64)


def _count_topics(truth: pd.DataFrame, table: pd.DataFrame, taxonomy: Taxonomy) -> Matrix:
    return label_counts(_topic_columns(truth, "true", taxonomy), _topic_columns(table, "given", taxonomy))


def _count_framings(truth: pd.DataFrame, table: pd.DataFrame, taxonomy: Taxonomy) -> Matrix:
    cells = np.zeros((len(table), len(taxonomy.framings), len(taxonomy.framings)))
    true, given = _framing_index(truth["true.framing"], taxonomy), _framing_index(table["given.framing"], taxonomy)
    cells[np.arange(len(cells)), true, given] = 1
    return cells


def _chances(table: pd.DataFrame, taxonomy: Taxonomy) -> Matrix:
    return np.asarray(table[[f"p.framing.{framing}" for framing in taxonomy.framing_ids]], dtype=np.float64)


def _count_losses(truth: pd.DataFrame, table: pd.DataFrame, taxonomy: Taxonomy) -> Matrix:
    true = _framing_index(truth["true.framing"], taxonomy)
    losses = item_log_loss(_chances(table, taxonomy)[np.arange(len(table)), true])
    return np.stack([losses, np.ones(len(losses))], axis=1)


def _count_bins(truth: pd.DataFrame, table: pd.DataFrame, taxonomy: Taxonomy) -> Matrix:
    right = (truth["true.framing"].to_numpy() == table["given.framing"].to_numpy()).astype(np.float64)
    return bin_sums(_chances(table, taxonomy).max(axis=1), right, np.ones(len(right)))


_COUNTS = {"topics": _count_topics, "framings": _count_framings, "losses": _count_losses, "bins": _count_bins}
_FIGURES: Mapping[str, tuple[str, Statistic]] = {
    "topics.f1_micro": ("topics", f1_micro),
    "topics.f1_macro": ("topics", f1_macro),
    "framing.accuracy": ("framings", accuracy),
    "framing.f1_macro": ("framings", lambda cells: f1_macro(one_against_rest(cells))),
    "framing.log_loss": ("losses", lambda cells: ratio(cells[..., 0], cells[..., 1])),
    "framing.calibration_error": ("bins", calibration_error),
}
SLICE_FIGURES: Sequence[str] = ("topics.f1_micro", "framing.accuracy", "framing.f1_macro")
