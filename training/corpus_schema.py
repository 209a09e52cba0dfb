"""The schema of our own corpus: stricter than the loader's, which takes anybody's data.

Every fault is collected with its place, so that one run shows all there is to mend; only what cannot
be read at all (no JSON, no UTF-8, no files) is an error that stops the reading.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framing.errors import DataError
from framing.language import SUPPORTED
from framing.taxonomy import Taxonomy
from training.data import LabelledItem
from training.rows import Row, data_files, file_rows

HEADLINE = "headline"
KINDS = (
    HEADLINE, "headline+lead", "brief", "post", "report", "commentary", "interview", "digest", "statement",
    "aggregator", "wire", "translated",
)  # fmt: skip
UNTITLED_KINDS = frozenset({"post", "brief", "statement", "wire", "digest"})  # may come without a headline
VOICES = (
    "praise-narrator", "praise-voices", "alarm-dry", "alarm-accuser", "mockery", "disappointment", "condescension",
    "irony", "balanced", "denial", "distancing", "quotation-against-narration", "procedure", "no-relation",
    "parallel", "list", "third-party", "equipment", "near-miss", "background-clause", "general",
)  # fmt: skip
PROSES = ("crafted", "plain")
CONTRASTS = ("framing", "topic", "none")
YEARS = range(2000, 2027)
CODERS = 2

_ITEM_COLUMNS: Mapping[str, type] = {
    "id": str, "lang": str, "title": str, "text": str, "topics": list, "framing": str, "outlet": str, "story": str,
    "date": str, "kind": str, "voice": str, "prose": str, "contrast": str, "subject": str,
}  # fmt: skip
_CODING_COLUMNS: Mapping[str, type] = {"writer": dict, "coders": list, "resolution": str}
_COLUMNS = {**_ITEM_COLUMNS, **_CODING_COLUMNS}
_NEVER_BLANK = ("id", "outlet", "story", "subject")


@dataclass(frozen=True, slots=True)
class Coding:
    """One reader's answer to the codebook's two questions."""

    topics: frozenset[str]
    framing: str

    def decisions(self, taxonomy: Taxonomy) -> dict[str, str]:
        """Return the answer as one decision on the framing and one on each topic."""
        given = {topic: "given" if topic in self.topics else "not given" for topic in taxonomy.topic_ids}
        return {"framing": self.framing, **given}


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusItem(LabelledItem):
    """An item of our corpus: where it stands (``file:line``), how it was made and coded.

    `writer` is None and `coders` empty where the columns are missing or broken.
    """

    where: str
    contrast: str
    subject: str
    writer: Coding | None
    coders: tuple[Coding, ...]
    resolution: str

    @property
    def label(self) -> Coding:
        """The final label, as the coders give theirs."""
        return Coding(frozenset(self.topics), self.framing)


@dataclass(frozen=True, slots=True)
class Fault:
    """What breaks a gate: the place (``file:line``, or a file), the item's id (empty: no single item), and what."""

    where: str
    id: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.id}: {self.message}" if self.id else f"{self.where}: {self.message}"


def fault_of(item: CorpusItem, message: str) -> Fault:
    """Return the fault of `item` that `message` tells."""
    return Fault(item.where, item.id, message)


def read_corpus(folder: Path, taxonomy: Taxonomy) -> tuple[list[CorpusItem], list[Fault]]:
    """Return the items of the data files in `folder`, and the faults of its rows.

    A row whose columns cannot be read gives faults and no item. Raises DataError for a file that
    cannot be read and for a folder without items.
    """
    items, faults = [], []
    for file in data_files(folder):
        for row in file_rows(file):
            item, broken = _read_row(row, file.name.partition(".")[0], taxonomy)
            items += [item] if item else []
            faults += broken
    if not items and not faults:
        raise DataError(f"{folder}: expected at least one item, found none")
    return items, faults + list(_reused_ids(items))


def _read_row(row: Row, language: str, taxonomy: Taxonomy) -> tuple[CorpusItem | None, list[Fault]]:
    unreadable = _unreadable(row)
    name = str(row.values.get("id", ""))
    faults = [Fault(row.where, name, message) for message in dict.fromkeys(unreadable.values())]
    if unreadable.keys() & _ITEM_COLUMNS.keys():
        return None, faults
    item = _item(row)
    faults += [fault_of(item, message) for message in item_faults(item, language, taxonomy)]
    if not unreadable:
        faults += [fault_of(item, message) for message in _coding_faults(row, item, taxonomy)]
    return item, faults


def _unreadable(row: Row) -> dict[str, str]:
    """Return what is wrong with columns that are missing, unknown or of another type, by column."""
    missing = [column for column in _COLUMNS if column not in row.values]
    faults = dict.fromkeys(missing, f"{', '.join(missing)}: missing")
    for column, kind in _COLUMNS.items():
        if column in row.values and not isinstance(row.values[column], kind):
            faults[column] = f"{column}: expected {kind.__name__}, got {type(row.values[column]).__name__}"
    if isinstance(row.values.get("topics"), list) and not all(isinstance(topic, str) for topic in row.values["topics"]):
        faults["topics"] = f"topics: expected a list of str, got {row.values['topics']}"
    for column in row.values.keys() - _COLUMNS.keys():
        faults[column] = f"{column}: unknown column; expected {list(_COLUMNS)}"
    return faults


def _item(row: Row) -> CorpusItem:
    values = {column: row.values[column] for column in _ITEM_COLUMNS if column != "topics"}
    writer, coders, resolution = (row.values.get(column) for column in _CODING_COLUMNS)
    codings = [_coding(value) for value in coders] if isinstance(coders, list) else []
    return CorpusItem(
        **values,
        topics=tuple(row.values["topics"]),
        where=row.where,
        writer=_coding(writer),
        coders=tuple(coding for coding in codings if coding),
        resolution=resolution if isinstance(resolution, str) else "",
    )


def _coding(value: Any) -> Coding | None:
    """Return the coding in `value`, or None if it is not ``{"topics": [str, …], "framing": str}``."""
    if not isinstance(value, dict) or value.keys() != {"topics", "framing"}:
        return None
    topics, framing = value["topics"], value["framing"]
    if not isinstance(topics, list) or not all(isinstance(label, str) for label in [*topics, framing]):
        return None
    return Coding(frozenset(topics), framing)


def item_faults(item: CorpusItem, language: str, taxonomy: Taxonomy) -> Iterator[str]:
    """Yield what is wrong with the values of `item`, which stands in the file of `language`."""
    for column in _NEVER_BLANK:
        if not getattr(item, column).strip():
            yield f"{column}: expected a value, got a blank one"
    if item.lang not in SUPPORTED or item.lang != language:
        yield f"lang: expected one of {list(SUPPORTED)} that names the file, got {item.lang!r} in {language!r}"
    yield from _foreign("kind", [item.kind], KINDS)
    yield from _foreign("voice", [item.voice], VOICES)
    yield from _foreign("prose", [item.prose], PROSES)
    yield from _foreign("contrast", [item.contrast], CONTRASTS)
    yield from _label_faults("", item.topics, item.framing, taxonomy)
    yield from _date_faults(item.date)
    yield from _part_faults(item)


def _foreign(column: str, values: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    yield from (f"{column}: expected one of {list(known)}, got {value!r}" for value in values if value not in known)
    if len(set(values)) < len(values):
        yield f"{column}: expected distinct labels, got {list(values)}"


def _label_faults(of: str, topics: Sequence[str], framing: str, taxonomy: Taxonomy) -> Iterator[str]:
    yield from _foreign(f"{of}topics", topics, taxonomy.topic_ids)
    yield from _foreign(f"{of}framing", [framing], taxonomy.framing_ids)


def _date_faults(date: str) -> Iterator[str]:
    try:
        day = datetime.date.fromisoformat(date)
    except ValueError:
        day = None
    if day is None or day.isoformat() != date or day.year not in YEARS:
        yield f"date: expected a day as YYYY-MM-DD in {YEARS[0]} to {YEARS[-1]}, got {date!r}"


def _part_faults(item: CorpusItem) -> Iterator[str]:
    """Yield what is wrong with the headline and the text for the item's kind."""
    if not item.title.strip() and item.kind not in UNTITLED_KINDS:
        yield f"title: expected a headline, as every {item.kind} has one"
    if item.kind == HEADLINE and item.text:
        yield "text: expected none, a headline stands alone"
    if item.kind != HEADLINE and not item.text.strip():
        yield f"text: expected one, as every {item.kind} has it"


def _coding_faults(row: Row, item: CorpusItem, taxonomy: Taxonomy) -> list[str]:
    """Return what is wrong with the codings; what they say is compared only where each can be read."""
    broken = [] if item.writer else ["writer: expected an object of topics and framing"]
    if len(row.values["coders"]) != CODERS or len(item.coders) != CODERS:
        broken.append(
            f"coders: expected {CODERS} objects of topics and framing, got {len(row.values['coders'])} values"
        )
    codings = [("writer", item.writer)] + [(f"coders[{place}]", coder) for place, coder in enumerate(item.coders)]
    for name, coding in codings:
        if coding:
            broken += _label_faults(f"{name}.", sorted(coding.topics), coding.framing, taxonomy)
    return broken or list(resolution_faults(item, taxonomy))


def resolution_faults(item: CorpusItem, taxonomy: Taxonomy) -> Iterator[str]:
    """Yield where the label does not follow from the coders: what both decide is the label, else a reason says why."""
    label, first, second = (coding.decisions(taxonomy) for coding in (item.label, *item.coders))
    for question, answer in label.items():
        if first[question] == second[question] != answer:
            yield f"{question}: expected {first[question]!r}, as both coders decided, got {answer!r}"
    agreed = label == first == second
    if agreed and item.resolution.strip():
        yield "resolution: expected an empty one, both coders agree with the label"
    if not agreed and not item.resolution.strip():
        yield "resolution: expected a reason, the coders do not both agree with the label"
    yield from _three_ways(item)


def _three_ways(item: CorpusItem) -> Iterator[str]:
    framings = [coding.framing for coding in (item.writer, *item.coders) if coding]
    if len(set(framings)) > CODERS:
        yield f"framing: the writer and both coders give three framings, {framings}: rewrite or drop the item"


def _reused_ids(items: Iterable[CorpusItem]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for item in items:
        if item.id in first:
            yield fault_of(item, f"id: expected a new one, {first[item.id]} has it")
        first.setdefault(item.id, item.where)
