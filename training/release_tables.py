"""Comparisons and verdicts as text for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from training.comparison import SMALLER_IS_BETTER
from training.promote import Verdict
from training.tables import aligned

_SHOWN_FLIPS = 10


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """Yield every check that fails with its figures, how many hold, and the verdict."""
    for check in verdict.checks:
        if "." not in check.name or not check.holds or check.name.count(".") == 1:
            yield f"{'holds ' if check.holds else 'FAILS '} {check.name}: {check.message}"
    slices = [check for check in verdict.checks if check.name.count(".") > 1]
    yield f"{sum(check.holds for check in slices)} of {len(slices)} slices hold"
    against = verdict.champion.label if verdict.champion else "no champion"
    reasons = ", ".join(check.name for check in verdict.failed)
    yield f"{verdict.candidate.label} against {against}: gate " + (f"closed: {reasons}" if reasons else "open")


def comparison_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield a comparison of runs as tables, one for each run that is held against the first."""
    for compared in report["compared"]:
        names = f"{report['base']['label']} → {compared['label']}"
        yield f"{names}: {compared['items']} items, {compared['stories']} stories"
        yield from aligned(
            ["", "before", "after", "difference", f"{compared['confidence']:.0%} interval"],
            [_row(name, found) for name, found in _figures(compared)],
        )
        yield from _flip_lines(compared["flips"])


def _figures(compared: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, float]]]:
    yield from compared["overall"].items()
    for kind, slices in compared["slices"].items():
        for name, figures in slices.items():
            for figure, found in figures.items():
                if figure != "items":
                    yield f"{kind} {name} ({figures['items']}) {figure}", found


def _row(name: str, found: Mapping[str, float]) -> list[str]:
    sure = found["low"] > 0 or found["high"] < 0
    better = (found["difference"] > 0) != (name in SMALLER_IS_BETTER)
    mark = ("  better" if better else "  worse") if sure else ""
    interval = f"[{found['low']:+.4f}, {found['high']:+.4f}]{mark:8}"
    return [name, f"{found['before']:.4f}", f"{found['after']:.4f}", f"{found['difference']:+.4f}", interval]


def _flip_lines(flips: list[Mapping[str, Any]]) -> Iterator[str]:
    gained, lost = (sum(flip["gained"] is side for flip in flips) for side in (True, False))
    yield f"{len(flips)} items flipped: {gained} gained, {lost} lost, {len(flips) - gained - lost} neither"
    for flip in flips[:_SHOWN_FLIPS]:
        framing = flip["framing"]
        yield (
            f"  {flip['item']:14} {framing['true']}: {framing['before']} → {framing['after']}"
            f" ({flip['probability']['before']:.2f} → {flip['probability']['after']:.2f})  {flip['title'][:60]}"
        )
    if len(flips) > _SHOWN_FLIPS:
        yield f"  … and {len(flips) - _SHOWN_FLIPS} more, in --json and on the page"
