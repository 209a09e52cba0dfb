"""Rows of anybody's data, each with the place it came from: local files or a data set of the hub.

Everything is read as a stream through `datasets`. JSON Lines, CSV and TSV come from it line by line and are taken
apart here: its own readers guess types (a date becomes a timestamp, "007" a number), fail on rows of different
columns, and do not say in which line.
"""

import codecs
import csv
import glob
import gzip
import json
import locale
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
from datasets.exceptions import DatasetsError
from tqdm import tqdm

from framing.errors import DataError

_TEXTS = {".jsonl": "JSON Lines", ".csv": "CSV", ".tsv": "TSV"}
_TABLES = {".parquet": "Parquet", ".arrow": "Arrow"}
_SPELT = {".json": ".jsonl", ".ndjson": ".jsonl", ".feather": ".arrow"}
_GZIP = ".gz"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_LONGEST_FIELD = 1 << 30
_BOM = "\ufeff"
_UNREADABLE = (OSError, EOFError, ValueError, zlib.error, DatasetsError)


@dataclass(frozen=True, slots=True)
class Row:
    """A row's values by column, and where it stands: ``file:line`` or ``file: row n``, from 1."""

    values: Mapping[str, Any]
    where: str

    def fault(self, column: str, message: str) -> DataError:
        """Return the error to raise about the value in `column`."""
        return DataError(f"{self.where}: {column}: {message}")

    def cell(self, column: str) -> Any:
        """Return what is in `column`; DataError if there is no such column."""
        if column not in self.values:
            raise self.fault(column, f"this column is missing; the columns are {sorted(map(str, self.values))}")
        return self.values[column]

    def value(self, column: str, *kinds: type) -> Any:
        """Return the value in `column`, of one of `kinds`; DataError if it is missing or of another kind."""
        value = self.cell(column)
        expected = " or ".join(kind.__name__ for kind in kinds)
        if value is None:
            raise self.fault(column, f"this value is missing; expected {expected}")
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise self.fault(column, f"expected {expected}, got {type(value).__name__}")
        return value

    def text(self, column: str) -> str:
        """Return the string in `column`; it may be blank."""
        text: str = self.value(column, str)
        return text

    def name(self, column: str, *kinds: type) -> str:
        """Return the string in `column`, or what of `kinds` is there as a string; DataError if it is blank."""
        name = str(self.value(column, str, *kinds))
        if not name.strip():
            raise self.fault(column, "this value is missing; expected str, got a blank one")
        return name

    def optional(self, column: str, *kinds: type) -> str:
        """Return the string in `column`, or what of `kinds` is there as a string; "" if there is none."""
        return "" if self.values.get(column) is None else str(self.value(column, str, *kinds))


def data_files(path: Path) -> list[Path]:
    """Return `path`, or the data files in it if it is a folder, by name."""
    if path.is_dir():
        known = _TEXTS | _TABLES
        files = sorted(file for file in path.iterdir() if file.is_file() and _suffix(file) in known)
        if not files:
            raise DataError(f"{path}: expected *{', *'.join(known)} files in this folder, found none")
        return files
    if not path.is_file():
        raise DataError(f"{path}: no such file or folder")
    return [path]


def file_rows(file: Path) -> Iterator[Row]:
    """Yield the rows of `file`, whose suffix tells its format; DataError at the first that is broken."""
    suffix = _suffix(file)
    if suffix in _TABLES:
        yield from _numbered(_stream(file, _TABLES[suffix].lower(), _TABLES[suffix]), str(file))
    elif suffix == ".jsonl":
        yield from _objects(_lines(file, _TEXTS[suffix]), file)
    elif suffix in _TEXTS:
        yield from _records(_lines(file, _TEXTS[suffix]), file, _DELIMITERS[suffix])
    else:
        known = ", ".join([*_TEXTS, *_TABLES])
        raise DataError(f"{file}: expected a file whose name ends in {known} (or .gz after the first three)")


def hub_rows(name: str, subset: str, split: str, *, streaming: bool) -> Iterator[Row]:
    """Yield the rows of a split of the hub's data set `name`."""
    source = f"{name}[{split}]"
    try:
        yield from _numbered(datasets.load_dataset(name, subset or None, split=split, streaming=streaming), source)
    except _UNREADABLE as error:
        raise DataError(f"{source}: expected a data set of the hub and a split of it: {error}") from error


def with_progress(rows: Iterable[Row], name: str) -> Iterator[Row]:
    """Yield `rows`; their count is shown on standard error if that is a terminal."""
    return iter(tqdm(rows, desc=name, unit=" rows", disable=None, file=sys.stderr))


def _suffix(file: Path) -> str:
    suffix = Path(file.name.lower().removesuffix(_GZIP)).suffix
    suffix = _SPELT.get(suffix, suffix)
    return "" if suffix in _TABLES and _compressed(file) else suffix


def _compressed(file: Path) -> bool:
    return file.name.lower().endswith(_GZIP)


def _stream(file: Path, builder: str, expected: str, **options: Any) -> Iterator[Mapping[str, Any]]:
    pattern = glob.escape(str(file.resolve()))  # a bracket in a name is no pattern
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False  # else every file that is read is counted over the network
    try:
        yield from datasets.load_dataset(builder, data_files=[pattern], split="train", streaming=True, **options)
    except UnicodeDecodeError as error:
        raise _misencoded(file) from error
    except _UNREADABLE as error:
        raise DataError(f"{file}: expected {expected}: {error}") from error


def _numbered(rows: Iterable[Mapping[str, Any]], source: str) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        yield Row(row, f"{source}: row {number}")


def _lines(file: Path, expected: str) -> Iterator[str]:
    """Yield the lines of `file`, decoded by `datasets`, which opens a compressed file in the locale's encoding."""
    encoding = locale.getpreferredencoding(do_setlocale=False)
    if _compressed(file) and codecs.lookup(encoding).name != "utf-8":
        raise DataError(f"{file}: expected a UTF-8 locale to read a .gz file in, got {encoding}: set PYTHONUTF8=1")
    for number, row in enumerate(_stream(file, "text", expected, encoding="utf-8")):
        yield row["text"] if number else row["text"].removeprefix(_BOM)


def _misencoded(file: Path) -> DataError:
    """Return the error that says where `file` is not UTF-8; what failed to decode it saw no lines."""
    with gzip.open(file) if _compressed(file) else file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                what = f"got byte 0x{line[error.start]:02x} ({error.reason})"
                return DataError(f"{file}:{number}:{error.start + 1}: expected UTF-8, {what}")
    return DataError(f"{file}: expected UTF-8")


def _objects(lines: Iterable[str], file: Path) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{file}:{number}:{error.colno}: expected one JSON object: {error.msg}") from error
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
            raise DataError(f"{file}:{number}: expected one JSON object: {error}") from error
        if not isinstance(row, dict):
            raise DataError(f"{file}:{number}: expected a JSON object, got {type(row).__name__}")
        yield Row(row, f"{file}:{number}")


def _records(lines: Iterable[str], file: Path, delimiter: str) -> Iterator[Row]:
    header: Sequence[str] = ()
    for number, record in _numbered_records(lines, file, delimiter):
        if not record:
            continue
        if not header:
            header = _header(record, f"{file}:{number}")
        elif len(record) != len(header):
            raise DataError(f"{file}:{number}: expected {len(header)} fields, got {len(record)}")
        else:
            yield Row(dict(zip(header, record, strict=True)), f"{file}:{number}")


def _numbered_records(lines: Iterable[str], file: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(_LONGEST_FIELD)  # an article is longer than the module's limit of 131,072
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True)
    begin = 1
    try:
        for record in reader:
            yield begin, record
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{file}:{begin}: expected a record of separated fields: {error}") from error


def _header(record: Sequence[str], where: str) -> Sequence[str]:
    twice = sorted({column for column in record if record.count(column) > 1})
    if twice:
        raise DataError(f"{where}: expected distinct column names, got {twice} more than once")
    return record
