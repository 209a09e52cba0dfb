"""The report on the corpus as tables for people."""

from collections.abc import Iterator
from typing import Any

from training.corpus_checks import CorpusReport, Gate

SHOWN_WORDS = 6


def report_lines(report: CorpusReport) -> Iterator[str]:
    """Yield every fault with its place, then the figures, and last the verdict of each gate."""
    for gate in report.gates:
        yield from (f"{gate.name}: {fault}" for fault in gate.faults)
    yield from _form_lines(report)
    yield from _text_lines(report.statistics)
    yield from _label_lines(report.statistics)
    yield from _agreement_lines(report.agreement)
    yield from _alone_lines(report.giveaways)
    yield from _word_lines(report.giveaways)
    yield from _verdict_lines(report)


def _form_lines(report: CorpusReport) -> Iterator[str]:
    yield "\nitems by framing and kind"
    for language, framings in report.forms.items():
        kinds = list(next(iter(framings.values())))
        yield f"{language:14}" + "".join(f"{kind[:10]:>11}" for kind in kinds) + f"{'all':>7}"
        for framing, counts in framings.items():
            yield f"  {framing:12}" + "".join(f"{counts[kind]:11}" for kind in kinds) + f"{sum(counts.values()):7}"


def _text_lines(statistics: dict[str, Any]) -> Iterator[str]:
    names = ("items", "words", "distinct", "ratio", "per 1000", "p05", "median", "p95", "max")
    yield f"\n{'words':17}" + "".join(f"{name:>10}" for name in names)
    for language, figures in statistics.items():
        for framing, part in figures["text"].items():
            length = part["length"]
            per_thousand = "-" if part["type_token_1000"] is None else f"{part['type_token_1000']:.3f}"
            yield (
                f"{language:4} {framing:12}{part['items']:10}{part['words']:10}{part['distinct_words']:10}"
                f"{part['type_token']:10.3f}{per_thousand:>10}"
                + "".join(f"{length[name]:10.0f}" for name in ("p05", "median", "p95", "max"))
            )


def _label_lines(statistics: dict[str, Any]) -> Iterator[str]:
    yield "\nshare of the items"
    for language, figures in statistics.items():
        shares = [f"{label} {share:.3f}" for task in ("framing", "topics") for label, share in figures[task].items()]
        yield f"{language:4} " + "  ".join(shares)


def _agreement_lines(agreement: dict[str, Any]) -> Iterator[str]:
    yield "\nKrippendorff's alpha of two coders, 95 % interval over stories"
    for language, figures in agreement.items():
        if not figures:
            yield f"{language:4} skipped: no item has two codings"
            continue
        tasks = {"framing": figures["framing"], **figures["topics"], "topics' mean": figures["topics_mean"]}
        alphas = (
            f"{task} {found['alpha']:.3f} [{found['low']:.3f}, {found['high']:.3f}]" for task, found in tasks.items()
        )
        yield f"{language:4} {figures['items']} items: " + "  ".join(alphas)


def _alone_lines(giveaways: dict[str, Any]) -> Iterator[str]:
    yield "\nframing predicted from one column alone: accuracy (macro-F1)"
    for language, figures in giveaways.items():
        scores = (
            f"{name} {found['accuracy']:.3f} ({found['f1_macro']:.3f})" for name, found in figures["alone"].items()
        )
        yield f"{language:4} " + "  ".join(scores)


def _word_lines(giveaways: dict[str, Any]) -> Iterator[str]:
    yield "\nwords that predict a label best: share of the word's items, number of items, lift (lower bound)"
    for language, figures in giveaways.items():
        for label, words in figures.get("words", {}).items():
            shown = map(_word, words[:SHOWN_WORDS])
            yield f"{language:4} {label:12} " + " | ".join(shown)


def _word(found: dict[str, Any]) -> str:
    lift = f"{found['lift']:.1f} ({found['lift_low']:.1f})"
    return f"{found['word']} {found['share']:.2f} of {found['items']}, {lift}"


def _verdict_lines(report: CorpusReport) -> Iterator[str]:
    yield f"\n{report.corpus}"
    yield from (f"  {gate.name:18} {_verdict(gate)}" for gate in report.gates)


def _verdict(gate: Gate) -> str:
    if gate.skipped:
        return f"skipped: {gate.skipped}"
    return "passed" if gate.passed else f"FAILED: {len(gate.faults)} faults"
