"""Labelled data: read, checked, digested."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from framing.article import Article
from framing.errors import DataError
from framing.taxonomy import Taxonomy

REQUIRED = {"id": str, "lang": str, "title": str, "text": str, "topics": list, "framing": str}
OPTIONAL = {"outlet": str, "story": str, "date": str, "kind": str, "voice": str}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledItem:
    """An item with its labels. `story` groups the items that tell the same events; it is the id if none is given."""

    id: str
    lang: str
    title: str
    text: str
    topics: tuple[str, ...]
    framing: str
    outlet: str
    story: str
    date: str
    kind: str
    voice: str

    @property
    def article(self) -> Article:
        """The item without its labels."""
        return Article(title=self.title, text=self.text, language=self.lang, outlet=self.outlet)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Checked items, where they came from, and the SHA-256 digest of their canonical form."""

    items: tuple[LabelledItem, ...]
    source: str
    digest: str


def bundled_corpus() -> Path:
    """Return the folder of the corpus that comes with the package."""
    return Path(str(resources.files("training").joinpath("corpus")))


def load_corpus(paths: Sequence[Path], taxonomy: Taxonomy) -> Corpus:
    """Return the items of JSON Lines files, or of all such files in folders, checked against the schema.

    Raises DataError that names file, line and column of the first fault.
    """
    files = [file for path in paths for file in _files(path)]
    items: dict[str, LabelledItem] = {}
    for file in files:
        for number, row in _rows(file):
            item = _item(row, f"{file}:{number}", taxonomy)
            if item.id in items:
                raise DataError(f"{file}:{number}: id: {item.id!r} was used before")
            items[item.id] = item
    if not items:
        raise DataError(f"{', '.join(map(str, paths))}: expected at least one item, found none")
    return Corpus(tuple(items.values()), ", ".join(map(str, paths)), digest_items(items.values()))


def digest_items(items: Iterable[LabelledItem]) -> str:
    """Return the SHA-256 digest of `items`, whatever their order, in hexadecimal."""
    digest = hashlib.sha256()
    for item in sorted(items, key=lambda item: item.id):
        row = [item.id, item.lang, item.title, item.text, sorted(item.topics), item.framing, item.story, item.outlet]
        digest.update(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(path.glob("*.jsonl"))
        if not files:
            raise DataError(f"{path}: expected *.jsonl files in this folder, found none")
        return files
    if not path.is_file():
        raise DataError(f"{path}: no such file or folder")
    return [path]


def _rows(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise DataError(f"{file}:{number}:{error.start + 1}: expected UTF-8: {error.reason}") from error
            except json.JSONDecodeError as error:
                raise DataError(f"{file}:{number}:{error.colno}: expected one JSON object: {error.msg}") from error
            if not isinstance(row, dict):
                raise DataError(f"{file}:{number}: expected a JSON object, got {type(row).__name__}")
            yield number, row


def _item(row: Mapping[str, Any], where: str, taxonomy: Taxonomy) -> LabelledItem:
    for column, kind in REQUIRED.items():
        if column not in row:
            raise DataError(f"{where}: {column}: this column is missing")
        _check_type(row[column], kind, column, where)
    for column, kind in OPTIONAL.items():
        if row.get(column) is not None:
            _check_type(row[column], kind, column, where)
    _check_labels(row["topics"], taxonomy.topic_ids, "topics", where)
    _check_labels([row["framing"]], taxonomy.framing_ids, "framing", where)
    if not (row["title"].strip() or row["text"].strip()):
        raise DataError(f"{where}: text: expected a title or a text, both are blank")
    optional = {column: row.get(column) or "" for column in OPTIONAL}
    optional["story"] = optional["story"] or row["id"]
    required = {column: row[column] for column in REQUIRED if column != "topics"}
    return LabelledItem(**required, **optional, topics=tuple(row["topics"]))


def _check_type(value: Any, kind: type, column: str, where: str) -> None:
    if not isinstance(value, kind):
        raise DataError(f"{where}: {column}: expected {kind.__name__}, got {type(value).__name__}")


def _check_labels(labels: Sequence[Any], known: Sequence[str], column: str, where: str) -> None:
    for label in labels:
        if label not in known:
            raise DataError(f"{where}: {column}: expected one of {list(known)}, got {label!r}")
    if len(set(labels)) != len(labels):
        raise DataError(f"{where}: {column}: expected distinct labels, got {list(labels)}")
