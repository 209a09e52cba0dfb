"""Anybody's data: every format, every mapping, and one clear error for every fault."""

import csv
import gzip
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from framing.errors import DataError
from framing.taxonomy import Taxonomy
from training.config import Columns, Data
from training.data import load_corpus
from training.loader import Example, read_examples

COLUMNS = ("key", "head", "body", "tongue", "class", "who", "on")
CELLS = (
    ("1", "Ports", "Ships sail.", "en", "pro", "Mail", "2020-01-02"),
    ("2", "Порты", "«Суда», идут,\nвсе.", "ru", "con", "", "2020-01-03"),
    ("003", "بندر", 'کشتی "رفت"', "fa", "pro", "NA", "2020-01-03"),
)
ROWS = [dict(zip(COLUMNS, cells, strict=True)) for cells in CELLS]
DATA = Data(
    columns=Columns(id="key", title="head", text="body", language="tongue", labels="class"),
    label_names={"pro": "favor", "con": "against"},
    groups=("who", "on"),
)
OWN = {"id": "a", "lang": "en", "title": "T", "text": "Words.", "topics": ["diplomacy"], "framing": "neutral"}


def write_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)


def write_arrow(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    table = pa.Table.from_pylist([dict(row) for row in rows])
    with pa.ipc.new_file(str(path), table.schema) as file:
        file.write_table(table)


WRITERS: dict[str, Callable[[Path, Sequence[Mapping[str, Any]]], None]] = {
    "a.jsonl": write_lines,
    "b.jsonl.gz": write_lines,
    "c.csv": write_csv,
    "d.tsv": write_csv,
    "e.parquet": write_parquet,
    "f.arrow": write_arrow,
    "g [1]?.jsonl": write_lines,
}


def examples(path: Path, data: Data = DATA) -> list[Example]:
    return list(read_examples([path], data))


def fault(path: Path, data: Data = DATA) -> str:
    with pytest.raises(DataError) as caught:
        examples(path, data)
    return str(caught.value)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_items(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name, ROWS)
    found = examples(tmp_path / name)
    assert [item.id for item in found] == ["1", "2", "003"]
    assert [item.text for item in found] == [row["body"] for row in ROWS]
    assert [item.labels for item in found] == [("favor",), ("against",), ("favor",)]
    assert found[1].groups == ("", "2020-01-03")
    assert found[2].groups == ("NA", "2020-01-03")
    assert found[2].article.language == "fa"


def test_a_folder_is_its_data_files_by_name(tmp_path: Path) -> None:
    write_csv(tmp_path / "2.csv", ROWS[1:])
    write_lines(tmp_path / "1.jsonl.gz", ROWS[:1])
    (tmp_path / "README.md").write_text("not data")
    assert [item.id for item in examples(tmp_path)] == ["1", "2", "003"]


def test_several_labels_come_as_a_list_or_with_a_separator(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [{"id": 1, "text": "x", "tags": ["p", "q"]}, {"id": 2, "text": "y", "tags": []}])
    write_csv(tmp_path / "a.csv", [{"id": 1, "text": "x", "tags": "p; q"}, {"id": 2, "text": "y", "tags": ""}])
    data = Data(
        columns=Columns(title="", language="", labels="tags"), multi_label=True, labels=("p", "q"), language="en"
    )
    for name, separator in (("a.jsonl", ""), ("a.csv", ";")):
        found = examples(tmp_path / name, data.model_copy(update={"separator": separator}))
        assert [(item.id, item.labels, item.language) for item in found] == [("1", ("p", "q"), "en"), ("2", (), "en")]


def test_numbers_are_labels_if_they_have_names(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", [{"text": "x", "labels": 0}, {"text": "y", "labels": 1}])
    data = Data(columns=Columns(id="", title="", language=""), label_names={"0": "no", "1": "yes"})
    found = examples(tmp_path / "a.parquet", data)
    assert [item.labels for item in found] == [("no",), ("yes",)]
    assert found[1].id == f"{tmp_path}/a.parquet: row 2"


LINE_FAULTS: dict[str, tuple[bytes, str]] = {
    "a missing column": (b'{"id":"b","text":"x"}', ":3: labels: this column is missing; the columns are ['id'"),
    "an unknown label": (b'{"id":"b","text":"x","labels":"?"}', ":3: labels: expected one of ['yes', 'no'], got '?'"),
    "a broken line": (b'{"id":"b","text":"x",}', ":3:22: expected one JSON object"),
    "a line cut short": (b'{"id":"b","text":"x', ":3:18: expected one JSON object: Unterminated string"),
    "no object": (b'["b","x"]', ":3: expected a JSON object, got list"),
    "a duplicate id": (b'{"id":"a","text":"x","labels":"no"}', ":3: id: expected a new id, 'a' was used before"),
    "another encoding": (b'{"id":"b","text":"caf\xe9","labels":"no"}', ":3:22: expected UTF-8, got byte 0xe9"),
    "a wrong type": (b'{"id":"b","text":5,"labels":"no"}', ":3: text: expected str, got int"),
    "a wrong type of label": (b'{"id":"b","text":"x","labels":["no"]}', ":3: labels: expected str, got list"),
    "a truth for a name": (b'{"id":true,"text":"x","labels":"no"}', ":3: id: expected str or int, got bool"),
    "a missing value": (b'{"id":"b","text":"x","labels":null}', ":3: labels: this value is missing; expected str"),
    "a blank value": (b'{"id":" ","text":"x","labels":"no"}', ":3: id: this value is missing; expected str"),
    "no words": (b'{"id":"b","text":" ","labels":"no"}', ":3: text: expected words in text, all are blank"),
    "thousands of brackets": (b"[" * 100_000, ":3: expected one JSON object"),
}  # fmt: skip
SIMPLE = Data(columns=Columns(title="", language=""), labels=("yes", "no"))


@pytest.mark.parametrize("name", LINE_FAULTS)
def test_a_fault_in_json_lines_names_file_line_and_column(name: str, tmp_path: Path) -> None:
    line, message = LINE_FAULTS[name]
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"id":"a","text":"x","labels":"yes"}\n\n' + line + b"\n")
    assert fault(path, SIMPLE).startswith(f"{path}{message}")


CSV_FAULTS: dict[str, tuple[bytes, str]] = {
    "a missing column": (b"id,text\na,x\n", ":2: labels: this column is missing; the columns are ['id', 'text']"),
    "an unknown label": (b'id,text,labels\na,"x\ny",no\nb,x,?\n', ":4: labels: expected one of ['yes', 'no'], got '?'"),
    "a missing field": (b"id,text,labels\na,x\n", ":2: expected 3 fields, got 2"),
    "an open quotation": (b'id,text,labels\na,x,no\nb,"x,no\n', ":3: expected a record of separated fields"),
    "a duplicate id": (b"id,text,labels\na,x,no\na,x,no\n", ":3: id: expected a new id, 'a' was used before"),
    "another encoding": (b"id,text,labels\na,caf\xe9,no\n", ":2:6: expected UTF-8, got byte 0xe9"),
    "a missing value": (b"id,text,labels\na,x,\n", ":2: labels: this value is missing"),
    "a column twice": (b"id,text,id\na,x,no\n", ":1: expected distinct column names, got ['id'] more than once"),
    "no rows": (b"id,text,labels\n", ": expected at least one item, found none"),
}  # fmt: skip


@pytest.mark.parametrize("name", CSV_FAULTS)
def test_a_fault_in_csv_names_file_line_and_column(name: str, tmp_path: Path) -> None:
    content, message = CSV_FAULTS[name]
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    assert fault(path, SIMPLE).startswith(f"{path}{message}")


TABLE_FAULTS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a missing column": ([{"id": "a", "text": "x"}], ": row 1: labels: this column is missing"),
    "an unknown label": ([{"id": "a", "text": "x", "labels": "maybe"}], ": row 1: labels: expected one of"),
    "a missing value": ([{"id": "a", "text": None, "labels": "no"}], ": row 1: text: this value is missing"),
    "a duplicate id": ([{"id": "a", "text": "x", "labels": "no"}] * 2, ": row 2: id: expected a new id"),
    "a wrong type": ([{"id": "a", "text": 1.5, "labels": "no"}], ": row 1: text: expected str, got float"),
}


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
@pytest.mark.parametrize("name", TABLE_FAULTS)
def test_a_fault_in_a_table_names_file_row_and_column(name: str, suffix: str, tmp_path: Path) -> None:
    rows, message = TABLE_FAULTS[name]
    path = tmp_path / f"x.{suffix}"
    {"parquet": write_parquet, "arrow": write_arrow}[suffix](path, rows)
    assert fault(path, SIMPLE).startswith(f"{path}{message}")


FILE_FAULTS = {
    "x.parquet": (b"nonsense", ": expected Parquet: "),
    "x.arrow": (b"nonsense", ": expected Arrow: "),
    "x.jsonl.gz": (b"nonsense", ": expected JSON Lines: Not a gzipped file"),
    "y.jsonl.gz": (gzip.compress(b'{"id":"a"}\n' * 9)[:-9], ": expected JSON Lines: Compressed file ended"),
    "x.txt": (b"words", ": expected a file whose name ends in .jsonl, .csv, .tsv, .parquet, .arrow"),
    "x.jsonl": (b"", ": expected at least one item, found none"),
}


@pytest.mark.parametrize("name", FILE_FAULTS)
def test_a_file_that_is_not_what_its_name_says(name: str, tmp_path: Path) -> None:
    content, message = FILE_FAULTS[name]
    (tmp_path / name).write_bytes(content)
    assert fault(tmp_path / name, SIMPLE).startswith(f"{tmp_path / name}{message}")


def test_a_bad_byte_in_a_compressed_file_has_its_place(tmp_path: Path) -> None:
    lines = b'{"id":"a","text":"x","labels":"no"}\n' * 3
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(lines + b'{"id":"\xff"}\n'))
    assert fault(tmp_path / "x.jsonl.gz", SIMPLE).startswith(
        f"{tmp_path}/x.jsonl.gz:4:8: expected UTF-8, got byte 0xff"
    )


def test_a_compressed_file_needs_a_utf_8_locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Datasets decodes it by the locale; better an error than other letters."""
    write_lines(tmp_path / "x.jsonl.gz", ROWS)
    monkeypatch.setattr("locale.getpreferredencoding", lambda **_: "ISO-8859-1")
    assert "expected a UTF-8 locale to read a .gz file in, got ISO-8859-1" in fault(tmp_path / "x.jsonl.gz")


def test_a_file_or_folder_that_is_not_there(tmp_path: Path) -> None:
    assert fault(tmp_path / "no.csv") == f"{tmp_path}/no.csv: no such file or folder"
    assert fault(tmp_path).startswith(f"{tmp_path}: expected *.jsonl, *.csv, *.tsv, *.parquet, *.arrow files")


def test_a_stream_yields_before_it_has_read_on(tmp_path: Path) -> None:
    """The first items come although a later line is broken, and after 11 MB: a chunk is all that is held."""
    path = tmp_path / "long.jsonl"
    line = json.dumps({"id": "%d", "text": "word " * 10_000, "labels": "no"})
    with path.open("w") as file:
        file.writelines(line.replace("%d", str(number)) + "\n" for number in range(250))
        file.write("{broken\n")
    stream = read_examples([path], SIMPLE)
    assert len(list(itertools.islice(stream, 250))) == 250
    with pytest.raises(DataError, match=r"long\.jsonl:251:2: expected one JSON object"):
        next(stream)


@pytest.mark.parametrize("streaming", [True, False])
def test_a_name_of_the_hub_is_loaded_by_split(*, streaming: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    def load(name: str, subset: str | None, **options: Any) -> Iterator[Mapping[str, Any]]:
        calls.append((name, subset, options))
        return iter(ROWS)

    monkeypatch.setattr(datasets, "load_dataset", load)
    data = DATA.model_copy(update={"hub": "someone/set", "subset": "tiny", "streaming": streaming})
    assert [item.id for item in read_examples(["train"], data)] == ["1", "2", "003"]
    assert calls == [("someone/set", "tiny", {"split": "train", "streaming": streaming})]


def test_the_hub_without_the_data_set_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: Any, **__: Any) -> None:
        raise ConnectionError("offline")

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(DataError, match=r"^someone/set\[train\]: expected a data set of the hub.*: offline$"):
        list(read_examples(["train"], DATA.model_copy(update={"hub": "someone/set"})))


def test_a_fault_in_the_hub_names_split_and_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: [*ROWS, {**ROWS[0], "key": "4", "class": "?"}])
    with pytest.raises(DataError, match=r"^someone/set\[test\]: row 4: class: expected one of .*, got '\?'"):
        list(read_examples(["test"], DATA.model_copy(update={"hub": "someone/set"})))


def test_the_corpus_is_read_by_the_same_machinery(tmp_path: Path, taxonomy: Taxonomy) -> None:
    write_lines(tmp_path / "own.jsonl", [OWN, {**OWN, "id": "b", "story": "s", "outlet": None}])
    corpus = load_corpus([tmp_path], taxonomy)
    assert [(item.id, item.story, item.outlet) for item in corpus.items] == [("a", "a", ""), ("b", "s", "")]
    assert load_corpus([tmp_path / "own.jsonl"], taxonomy).digest == corpus.digest


def test_a_mapped_corpus_is_the_same_corpus(tmp_path: Path, taxonomy: Taxonomy) -> None:
    write_lines(tmp_path / "own.jsonl", [{**OWN, "outlet": "Mail", "story": "s"}])
    row = {"n": "a", "h": "T", "b": "Words.", "about": "talks", "how": "plain", "paper": "Mail", "thread": "s"}
    write_csv(tmp_path / "foreign.csv", [row])
    columns = Columns(
        id="n", language="", title="h", text="b", topics="about", framing="how", outlet="paper", story="thread"
    )
    data = Data(
        columns=columns,
        topic_names={"talks": "diplomacy"},
        framing_names={"plain": "neutral"},
        separator="|",
        language="en",
        groups=("paper",),
    )
    own, foreign = (
        load_corpus([tmp_path / "own.jsonl"], taxonomy),
        load_corpus([tmp_path / "foreign.csv"], taxonomy, data),
    )
    assert foreign.digest == own.digest
    assert foreign.items[0].groups == ("Mail",)


OWN_FAULTS: dict[str, tuple[Mapping[str, Any], str]] = {
    "topics": ({"topics": ["sport"]}, "expected one of ['diplomacy'"),
    "framing": ({"framing": "odd"}, "expected one of ['cooperation'"),
    "lang": ({"lang": 1}, "expected str, got int"),
    "text": ({"title": " ", "text": ""}, "expected words in title or text, all are blank"),
    "id": ({"id": None}, "this value is missing; expected str"),
    "story": ({"story": 7}, "expected str, got int"),
}


@pytest.mark.parametrize("column", OWN_FAULTS)
def test_a_fault_in_the_corpus_names_file_line_and_column(column: str, tmp_path: Path, taxonomy: Taxonomy) -> None:
    change, message = OWN_FAULTS[column]
    write_lines(tmp_path / "own.jsonl", [OWN, {**OWN, "id": "b", **change}])
    with pytest.raises(DataError) as caught:
        load_corpus([tmp_path / "own.jsonl"], taxonomy)
    assert str(caught.value).startswith(f"{tmp_path}/own.jsonl:2: {column}: {message}")


def test_topics_twice_are_a_fault(tmp_path: Path, taxonomy: Taxonomy) -> None:
    write_lines(tmp_path / "own.jsonl", [{**OWN, "topics": ["diplomacy", "diplomacy"]}])
    with pytest.raises(DataError, match="expected distinct labels"):
        load_corpus([tmp_path / "own.jsonl"], taxonomy)
