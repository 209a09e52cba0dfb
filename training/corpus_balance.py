"""Whether the corpus has enough of everything: items, `absent`, contrast sets, every framing in every form."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from framing.language import SUPPORTED
from framing.taxonomy import Taxonomy
from training.corpus_schema import KINDS, CorpusItem, Fault, fault_of

Table = dict[str, dict[str, dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Least:
    """What every language needs: items, a share of `absent`, and stories told as contrast sets."""

    items: int = 600
    absent: float = 1 / 3
    framing_sets: int = 80
    topic_sets: int = 10


def by_language(items: Sequence[CorpusItem]) -> dict[str, list[CorpusItem]]:
    """Return the items of each language we serve."""
    return {language: [item for item in items if item.lang == language] for language in SUPPORTED}


def size_faults(items: Sequence[CorpusItem], folder: Path, taxonomy: Taxonomy, least: Least) -> Iterator[Fault]:
    """Yield the languages with too few items or too few of them `absent`."""
    for language, part in by_language(items).items():
        if len(part) < least.items:
            yield _of_file(folder, language, f"expected at least {least.items} items, got {len(part)}")
        absent = sum(item.framing == taxonomy.absent for item in part)
        if absent < least.absent * len(part):
            expected = f"expected at least {least.absent:.0%} {taxonomy.absent!r}"
            yield _of_file(folder, language, f"{expected}, got {absent} of {len(part)} items")


def contrast_faults(items: Sequence[CorpusItem], folder: Path, least: Least) -> Iterator[Fault]:
    """Yield the contrast sets without a contrast, and the languages with too few that have one."""
    for contrast, wanted, fault in (
        ("framing", least.framing_sets, _framing_set_fault),
        ("topic", least.topic_sets, _topic_set_fault),
    ):
        for language, part in by_language(items).items():
            sets = _contrast_sets(part, contrast)
            faults = [fault_of(tellings[0], message) for tellings in sets if (message := fault(tellings))]
            yield from faults
            sound = len(sets) - len(faults)
            if sound < wanted:
                message = f"expected at least {wanted} stories told as {contrast} contrasts, got {sound}"
                yield _of_file(folder, language, message)


def _contrast_sets(items: Sequence[CorpusItem], contrast: str) -> list[list[CorpusItem]]:
    sets: dict[str, list[CorpusItem]] = {}
    for item in items:
        if item.contrast == contrast:
            sets.setdefault(item.story, []).append(item)
    return list(sets.values())


def _framing_set_fault(tellings: Sequence[CorpusItem]) -> str:
    framings = {item.framing for item in tellings}
    if len(framings) > 1:
        return ""
    return f"framing set {tellings[0].story!r}: expected two framings or more, got {sorted(framings)}"


def _topic_set_fault(tellings: Sequence[CorpusItem]) -> str:
    story, framings = tellings[0].story, {item.framing for item in tellings}
    if len(framings) > 1:
        return f"topic set {story!r}: expected one framing throughout, got {sorted(framings)}"
    topics = {tuple(sorted(item.topics)) for item in tellings}
    return (
        "" if len(topics) > 1 else f"topic set {story!r}: expected two choices of topics or more, got {sorted(topics)}"
    )


def form_table(items: Sequence[CorpusItem], taxonomy: Taxonomy) -> Table:
    """Return how many items there are by language, framing and kind."""
    counts = Counter((item.lang, item.framing, item.kind) for item in items)
    return {
        language: {
            framing: {kind: counts[language, framing, kind] for kind in KINDS} for framing in taxonomy.framing_ids
        }
        for language in SUPPORTED
    }


def table_faults(table: Table, folder: Path) -> Iterator[Fault]:
    """Yield the empty cells of `table`: the codebook allows every framing in every form."""
    for language, framings in table.items():
        for framing, kind in product(framings, KINDS):
            if not framings[framing][kind]:
                yield _of_file(folder, language, f"expected at least one item {framing!r} as {kind!r}, got none")


def _of_file(folder: Path, language: str, message: str) -> Fault:
    return Fault(str(folder / f"{language}.jsonl"), "", message)
