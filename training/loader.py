"""Anybody's labelled data, mapped by the `[data]` table of a configuration and checked before any training.

What is read is yielded item by item: of a file that does not fit in memory only the item at hand and a
hash of each id are held.
"""

import datetime
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from framing.article import Article
from framing.errors import DataError
from training.config import Data
from training.rows import Row, data_files, file_rows, hub_rows, with_progress

_GROUP_KINDS = (int, datetime.date)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An item of somebody's data: its labels, one unless the data is multi-label, and what it must stay with in folds.

    `target` is what the labels are about, empty if there is no such column; `groups` are values of the
    columns that the configuration names, blank where there is none.
    """

    id: str
    language: str
    title: str
    text: str
    labels: tuple[str, ...]
    target: str
    groups: tuple[str, ...]

    @property
    def article(self) -> Article:
        """The item without its labels."""
        return Article(title=self.title, text=self.text, language=self.language)


def read_rows(parts: Sequence[str | Path], data: Data) -> Iterator[Row]:
    """Yield the rows of `parts`, which are files, folders or splits, in order, with progress on standard error."""
    if data.hub:
        for split in parts:
            rows = hub_rows(data.hub, data.subset, str(split), streaming=data.streaming)
            yield from with_progress(rows, f"{data.hub}[{split}]")
        return
    for file in [file for part in parts for file in data_files(Path(part))]:
        yield from with_progress(file_rows(file), file.name)


def read_examples(parts: Sequence[str | Path], data: Data) -> Iterator[Example]:
    """Yield the items of `parts` one by one as `data` maps them; DataError names the place of the first fault."""
    ids = Ids()
    count = 0
    for row in read_rows(parts, data):
        example = _example(row, data)
        ids.add(example.id, row, data.columns.id)
        yield example
        count += 1
    if not count:
        raise DataError(f"{', '.join(map(str, parts))}: expected at least one item, found none")


class Ids:
    """The ids that were used, as eight bytes each."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def add(self, name: str, row: Row, column: str) -> None:
        """Remember `name`; DataError if it is known already."""
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        if digest in self._seen:
            raise row.fault(column, f"expected a new id, {name!r} was used before")
        self._seen.add(digest)


def read_labels(
    row: Row, column: str, data: Data, *, names: Mapping[str, str], known: Sequence[str]
) -> tuple[str, ...]:
    """Return the labels listed in `column`, under our `names` for them; DataError if one is not `known`."""
    if data.separator:
        listed = [label.strip() for label in row.text(column).split(data.separator)]
        return _checked(row, column, [names.get(label, label) for label in listed if label], known)
    labels = [_renamed(row, column, label, names) for label in row.value(column, list)]
    return _checked(row, column, labels, known)


def read_label(row: Row, column: str, *, names: Mapping[str, str], known: Sequence[str]) -> str:
    """Return the one label in `column`, under our name for it; DataError if it is not `known`.

    A number is a label if `names` has a name for it.
    """
    value = row.cell(column)
    label = str(value) if isinstance(value, int) and str(value) in names else row.name(column)
    return _checked(row, column, [names.get(label, label)], known)[0]


def read_groups(row: Row, data: Data) -> tuple[str, ...]:
    """Return the values of the columns that folds must keep together; the columns must be there."""
    return tuple(_group(row, column) for column in data.groups)


def check_words(row: Row, columns: Sequence[str]) -> None:
    """Raise DataError if none of `columns` has any word."""
    if not any(row.text(column).strip() for column in columns):
        raise row.fault(columns[-1], f"expected words in {' or '.join(columns)}, all are blank")


def _example(row: Row, data: Data) -> Example:
    columns = data.columns
    check_words(row, [column for column in (columns.title, columns.text) if column])
    return Example(
        id=row.name(columns.id, int) if columns.id else row.where,
        language=(row.text(columns.language) if columns.language else "") or data.language,
        title=row.text(columns.title) if columns.title else "",
        text=row.text(columns.text) if columns.text else "",
        labels=_example_labels(row, data),
        target=row.name(columns.target) if columns.target else "",
        groups=read_groups(row, data),
    )


def _example_labels(row: Row, data: Data) -> tuple[str, ...]:
    column, names, known = data.columns.labels, data.label_names, data.known_labels
    if data.multi_label:
        return read_labels(row, column, data, names=names, known=known)
    return (read_label(row, column, names=names, known=known),)


def _renamed(row: Row, column: str, label: object, names: Mapping[str, str]) -> str:
    return read_label(Row({column: label}, row.where), column, names=names, known=())


def _checked(row: Row, column: str, labels: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    for label in labels:
        if known and label not in known:
            raise row.fault(column, f"expected one of {list(known)}, got {label!r}")
    if len(set(labels)) != len(labels):
        raise row.fault(column, f"expected distinct labels, got {list(labels)}")
    return tuple(labels)


def _group(row: Row, column: str) -> str:
    row.cell(column)  # the column must be there, a value in it need not
    return row.optional(column, *_GROUP_KINDS)
