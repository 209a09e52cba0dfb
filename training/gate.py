"""The rule by which a model may become champion: checks, each with what was measured and what is allowed.

Every check that fails is a reason to refuse. They come in the order of causes: first what is wrong with the
data, then what is worse in the answers, then what is wrong with the model as a thing to run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from framing.taxonomy import default_taxonomy
from training.comparison import Pair, large_slices, slice_names
from training.config import Gate
from training.corpus_changes import CorpusChanges, corpus_changes, names_its_outlet
from training.data import LabelledItem
from training.giveaways import wilson_low

OVERALL = ("topics.f1_micro", "framing.accuracy", "framing.f1_macro")
SLICED = ("topics.f1_micro", "framing.accuracy")
SLICES = ("language", "kind", "outlet")


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the gate: its name, whether it holds, what was measured and allowed, and that as a sentence."""

    name: str
    holds: bool
    message: str
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Contender:
    """What a model is judged by: the items it was fitted on, and its out-of-fold predictions for them."""

    items: Sequence[LabelledItem]
    predictions: pd.DataFrame


def data_checks(gate: Gate, new: Contender, old: Contender) -> Iterator[Check]:
    """Yield the checks of data and answers of `new`, held against `old`, on the items that both know alike."""
    changes = corpus_changes(old.items, new.items)
    yield from corpus_checks(gate, changes, new.items)
    if not changes.common:
        return  # that nothing is left to judge by has been said
    yield new_label_check(gate, new.predictions, changes)
    common = set(changes.common) & set(old.predictions["item"]) & set(new.predictions["item"])
    before, after = (_only(contender.predictions, common) for contender in (old, new))
    yield from answer_checks(gate, Pair(before, after, default_taxonomy()))


def corpus_checks(gate: Gate, changes: CorpusChanges, items: Sequence[LabelledItem]) -> Iterator[Check]:
    """Yield the checks of the data: outlets named in texts; trusted items missing, rewritten, relabelled, too few."""
    fresh = [item for item in changes.new if item.outlet]
    yield _leak(gate, fresh if len(fresh) >= gate.least_slice_items else [item for item in items if item.outlet])
    shares = (
        ("missing", changes.missing, "are not in the new corpus", gate.most_missing),
        ("changed", changes.changed, "have another text in the new corpus", gate.most_changed),
        ("relabelled", changes.relabelled, "have other labels in the new corpus", gate.most_relabelled),
    )
    for name, ids, what, most in shares:
        share = len(ids) / max(1, changes.trusted)
        message = f"{len(ids)} of {changes.trusted} trusted items ({share:.1%}) {what}, at most {most:.1%} may"
        yield Check(name, share <= most, message, {"items": len(ids), "share": share, "most": most})
    enough = len(changes.common) >= gate.least_items
    message = f"{len(changes.common)} trusted items to judge by, at least {gate.least_items} are needed"
    yield Check("items", enough, message, {"items": len(changes.common), "least": gate.least_items})


def _only(table: pd.DataFrame, ids: set[str]) -> pd.DataFrame:
    return table[table["item"].isin(ids)].sort_values("item", ignore_index=True)


def _leak(gate: Gate, items: Sequence[LabelledItem]) -> Check:
    hits = sum(map(names_its_outlet, items))
    low = wilson_low(hits, len(items)) if items else 0.0
    message = (
        f"the outlet is named in the text of {hits} of {len(items)} items looked at, surely {low:.1%} of such; at most "
        f"{gate.most_outlets_named:.1%} may: from the name a model can learn the label"
    )
    figures = {"items": len(items), "named": hits, "share_low": low, "most": gate.most_outlets_named}
    return Check("leak", low <= gate.most_outlets_named, message, figures)


def answer_checks(gate: Gate, pair: Pair) -> Iterator[Check]:
    """Yield the checks of the answers to the trusted items: not worse overall, in no slice, and calibrated."""
    for figure in OVERALL:
        most = gate.macro_most_worse if figure.endswith("f1_macro") else gate.most_worse
        found = pair.difference(figure, confidence=2 * gate.confidence - 1)
        message = (
            f"{figure} {found.before:.3f} → {found.after:.3f}: with {gate.confidence:.0%} confidence not worse by "
            f"more than {max(0.0, -found.low):.3f}, at most {most:.3f} may be"
        )
        yield Check(figure, found.low >= -most, message, asdict(found) | {"most_worse": most})
    yield from _slice_checks(gate, pair)
    error = pair.difference("framing.calibration_error", confidence=0.95)
    message = (
        f"calibration error {error.before:.3f} → {error.after:.3f}, at most {gate.most_calibration_error:.3f} may be"
    )
    holds = error.after <= gate.most_calibration_error
    yield Check("calibration", holds, message, asdict(error) | {"most": gate.most_calibration_error})


def _slice_checks(gate: Gate, pair: Pair) -> Iterator[Check]:
    """Yield a check for each large slice and figure: worse by more than allowed, and not by chance (Bonferroni)."""
    names = slice_names(pair.before)
    slices = [(kind, part) for kind in SLICES for part in large_slices(names[kind], gate.least_slice_items).items()]
    confidence = 1 - 2 * (1 - gate.confidence) / max(1, len(slices) * len(SLICED))
    for kind, (name, rows) in slices:
        for figure in SLICED:
            found = pair.difference(figure, confidence=confidence, rows=rows)
            worse = found.difference < -gate.slice_most_worse and found.high < 0
            message = (
                f"{kind} {name}, {int(rows.sum())} items: {figure} {found.before:.3f} → {found.after:.3f}, "
                f"surely worse; at most by {gate.slice_most_worse:.3f}"
            )
            figures = asdict(found) | {"items": int(rows.sum()), "most_worse": gate.slice_most_worse}
            yield Check(f"{kind}.{name}.{figure}", not worse, message, figures)


def new_label_check(gate: Gate, after: pd.DataFrame, changes: CorpusChanges) -> Check:
    """Return whether the new model agrees with the labels of new items about as often as with those of trusted ones.

    If not, the new labels are wrong or follow another rule, or the new items are of another kind: a person must look.
    """
    right = (after["given.framing"] == after["true.framing"]).to_numpy()
    ids = after["item"]
    new, old = (right[ids.isin(list(part))] for part in ([item.id for item in changes.new], changes.common))
    if len(new) < gate.least_slice_items or not len(old):
        return Check("new_labels", True, f"{len(new)} new items: too few to judge their labels", {"items": len(new)})
    high = 1 - wilson_low(len(new) - int(new.sum()), len(new))
    least = float(old.mean()) - gate.new_most_worse
    message = (
        f"the framing of {len(new)} new items is foretold in {new.mean():.1%} (surely under {high:.1%}), that of "
        f"trusted ones in {old.mean():.1%}: the new labels are wrong or follow another rule if under {least:.1%}"
    )
    figures = {"items": len(new), "accuracy": float(new.mean()), "high": high, "trusted": float(old.mean())}
    return Check("new_labels", high >= least, message, figures | {"least": least})


def bundle_checks(gate: Gate, size: int, golden: str, seconds: Mapping[str, Sequence[float]]) -> Iterator[Check]:
    """Yield the checks of the bundle: its `size` in bytes, its `golden` fault (empty if none), time an article."""
    yield Check("golden", not golden, golden or "the golden predictions are reproduced", {})
    most = gate.most_bundle_bytes
    yield Check("size", size <= most, f"{size} bytes, at most {most} may be", {"bytes": size, "most": most})
    if "before" in seconds:
        before, after = (float(np.median(seconds[side])) for side in ("before", "after"))
        ratio = after / before
        message = f"{ratio:.2f} times the champion's time an article, at most {gate.most_latency_ratio:.2f} may be"
        figures = {"before_seconds": before, "after_seconds": after, "ratio": ratio, "most": gate.most_latency_ratio}
        yield Check("latency", ratio <= gate.most_latency_ratio, message, figures)
