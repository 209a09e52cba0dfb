"""Every gate that the corpus must pass, and the figures that its datasheet reports, in one run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from framing.fields import FieldedArticle, read_fields
from framing.taxonomy import Taxonomy
from training.agreement import agreement
from training.corpus_balance import Least, Table, by_language, contrast_faults, form_table, size_faults, table_faults
from training.corpus_originality import (
    SHARED_FILES,
    has_shared_texts,
    named_outlets,
    near_duplicates,
    real_outlets,
    shared_sentences,
    shared_text,
)
from training.corpus_schema import CorpusItem, Fault, read_corpus
from training.corpus_statistics import ALL, label_statistics, text_statistics
from training.giveaways import FOLDS, columns_alone, giveaway_faults, giveaway_words

Figures = dict[str, Any]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Gate:
    """What one gate found. A gate that could not be tried says why in `skipped`; it does not fail."""

    name: str
    faults: tuple[Fault, ...]
    skipped: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class CorpusReport:
    """What `check_corpus` found: the gates, the table of forms, and figures by language."""

    corpus: str
    gates: tuple[Gate, ...]
    forms: Table
    statistics: Figures
    agreement: Figures
    giveaways: Figures

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return all(gate.passed for gate in self.gates)

    def to_dict(self) -> Figures:
        """Return the report as plain data."""
        gates = [asdict(gate) | {"passed": gate.passed} for gate in self.gates]
        return asdict(self) | {"passed": self.passed, "gates": gates}


@dataclass(frozen=True, slots=True)
class _Language:
    """The items of one language, or of all, with their prepared articles."""

    items: Sequence[CorpusItem]
    articles: Sequence[FieldedArticle]


def checkout_shared() -> Path:
    """Return the folder `shared` beside the checkout that this package runs from."""
    return Path(__file__).resolve().parents[2] / "shared"


def check_corpus(
    folder: Path, shared: Path, taxonomy: Taxonomy, *, least: Least | None = None, progress: Progress = lambda _: None
) -> CorpusReport:
    """Return what the gates find in the corpus in `folder`; DataError if it cannot be read.

    `shared` has texts that the corpus must have nothing from; without them that gate is skipped.
    """
    least = least or Least()
    progress(f"reading {folder}")
    items, schema = read_corpus(folder, taxonomy)
    progress(f"preparing {len(items)} items")
    articles = [read_fields(item.article) for item in items]
    forms = form_table(items, taxonomy)
    gates = [
        _gate("schema", schema, progress),
        _gate("size", size_faults(items, folder, taxonomy, least), progress),
        _gate("contrast sets", contrast_faults(items, folder, least), progress),
        _gate("forms", table_faults(forms, folder), progress),
        _gate("near-duplicates", near_duplicates(items), progress),
        _gate("shared sentences", shared_sentences(items, articles), progress),
        _gate("real outlets", named_outlets(items, articles, real_outlets()), progress),
        _shared_gate(items, shared, progress),
    ]
    figures = _figures(_parts(items, articles), taxonomy, progress)
    gates.append(_gate("giveaways", giveaway_faults(_alone(figures["giveaways"]), folder), progress))
    return CorpusReport(str(folder), tuple(gates), forms, **figures)


def _gate(name: str, faults: Iterable[Fault], progress: Progress) -> Gate:
    progress(f"gate: {name}")
    return Gate(name, tuple(faults))


def _shared_gate(items: Sequence[CorpusItem], shared: Path, progress: Progress) -> Gate:
    name = "text of ../shared"
    if has_shared_texts(shared):
        return _gate(name, shared_text(items, shared), progress)
    return Gate(name, (), skipped=f"{shared} has no {' and no '.join(SHARED_FILES)}")


def _parts(items: Sequence[CorpusItem], articles: Sequence[FieldedArticle]) -> dict[str, _Language]:
    """Return all items, and those of each language that has enough stories to be cut into folds."""
    of_item = dict(zip(map(id, items), articles, strict=True))
    parts = {ALL: items} | by_language(items)
    return {
        name: _Language(part, [of_item[id(item)] for item in part])
        for name, part in parts.items()
        if len({item.story for item in part}) >= FOLDS
    }


def _figures(parts: Mapping[str, _Language], taxonomy: Taxonomy, progress: Progress) -> dict[str, Figures]:
    statistics: Figures = {}
    agreements: Figures = {}
    giveaways: Figures = {}
    for name, part in parts.items():
        progress(f"figures: {name}")
        text = text_statistics(part.items, part.articles, taxonomy)
        statistics[name] = label_statistics(part.items, taxonomy) | {"text": text}
        agreements[name] = agreement(part.items, taxonomy)
        giveaways[name] = {"alone": columns_alone(part.items, taxonomy)}
        if name != ALL:  # a word of one language says nothing about the others
            giveaways[name]["words"] = giveaway_words(part.items, part.articles, taxonomy)
    return {"statistics": statistics, "agreement": agreements, "giveaways": giveaways}


def _alone(giveaways: Figures) -> Figures:
    return {name: figures["alone"] for name, figures in giveaways.items()}
