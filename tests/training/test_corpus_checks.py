"""Every gate passes a sound corpus, and fails one that breaks it and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from framing.errors import DataError
from framing.taxonomy import default_taxonomy
from tests.training.corpus_maker import LEAST, Rows, changed, relabel, sound_rows, write_corpus
from training import corpus_checks, giveaways, resampling
from training.__main__ import EXIT_FAILED, EXIT_REFUSED, main
from training.corpus_checks import CorpusReport, check_corpus
from training.corpus_tables import report_lines

COPIED = "in ten words of a row that nobody else wrote"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw less: the gates are tried here, not the precision of figures."""
    monkeypatch.setattr(giveaways, "REPEATS", 1)
    monkeypatch.setattr(resampling, "RESAMPLES", 20)


def checked(folder: Path, rows: Rows, shared: Path | None = None) -> CorpusReport:
    corpus = folder / "corpus"
    corpus.mkdir()
    return check_corpus(write_corpus(corpus, rows), shared or folder / "nowhere", default_taxonomy(), least=LEAST)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    (folder / "real-dev").mkdir(parents=True)
    (folder / "sample").mkdir()
    (folder / "real-dev" / "real.jsonl").write_text(json.dumps({"title": "Title", "text": COPIED}) + "\n", "utf-8")
    (folder / "sample" / "one.txt").write_text(f"Another: {COPIED[::-1]}", "utf-8")
    return folder


def last_of(rows: Rows, *, lang: str = "ru", **values: str) -> Rows:
    wanted = {"lang": lang, **values}
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def drop_an_absent_item(rows: Rows) -> None:
    rows.remove(last_of(rows, framing="absent", kind="wire")[-1])


def drop_a_cell(rows: Rows) -> None:
    for row in last_of(rows, framing="threat", kind="wire"):
        row["kind"] = "report"


def label_absent_otherwise(rows: Rows) -> None:
    for kind in ("wire", "report", "brief", "statement", "digest", "post"):
        for row in last_of(rows, framing="absent", kind=kind)[-2:]:
            if row["contrast"] == "none":
                relabel(row, framing="neutral")


def copy_sentence(rows: Rows) -> None:
    first, second = last_of(rows, kind="report")[-2:]
    second["text"] += " " + first["title"]


def copy_most_of_the_text(rows: Rows) -> None:
    first, second = last_of(rows, kind="report")[-2:]
    half = " ".join(first["text"].split()[:9]).rstrip(".")
    first["text"] = f"{half} bana."
    second.update(title="Short one", text=f"{half} cucu.")


def outlet_tells(rows: Rows) -> None:
    for row in rows:
        row["outlet"] = f"Voice of {row['framing']}"


def year_tells(rows: Rows) -> None:
    for row in rows:
        row["date"] = f"20{len(row['framing']):02}-01-01"


def flatten_a_framing_set(rows: Rows) -> None:
    for row in last_of(rows, contrast="framing")[:2]:
        row["contrast"] = "none"


BREAKS: dict[str, tuple[str, Callable[[Rows], object]]] = {
    "a resolution without need": ("schema", lambda rows: rows[-1].update(resolution="no need")),
    "too few items": ("size", drop_an_absent_item),
    "too few absent": ("size", label_absent_otherwise),
    "too few framing sets": ("contrast sets", flatten_a_framing_set),
    "an empty cell": ("forms", drop_a_cell),
    "a copy": ("near-duplicates", copy_most_of_the_text),
    "a shared sentence": ("shared sentences", copy_sentence),
    "a real outlet": ("real outlets", lambda rows: rows[-1].update(outlet="«Коммерсантъ»")),
    "text of ../shared": ("text of ../shared", lambda rows: rows[-1].update(title=f"So {COPIED.upper()}!")),
    "text of the sample": ("text of ../shared", lambda rows: rows[-1].update(title=COPIED[::-1])),
    "outlets that tell": ("giveaways", outlet_tells),
    "years that tell": ("giveaways", year_tells),
}


def test_a_sound_corpus_passes_every_gate(tmp_path: Path, shared: Path) -> None:
    report = checked(tmp_path, sound_rows(), shared)
    assert [fault for gate in report.gates for fault in gate.faults] == []
    assert report.passed
    assert not any(gate.skipped for gate in report.gates)


@pytest.mark.parametrize("name", BREAKS)
def test_each_gate_fails_on_its_own(name: str, tmp_path: Path, shared: Path) -> None:
    gate, change = BREAKS[name]
    report = checked(tmp_path, changed(sound_rows(), change), shared)
    assert {found.name for found in report.gates if not found.passed} == {gate}
    assert not report.passed


def test_without_the_shared_texts_that_gate_is_skipped_and_says_so(tmp_path: Path) -> None:
    report = checked(tmp_path, sound_rows())
    assert report.passed
    assert any(line.strip().startswith("text of ../shared  skipped: ") for line in report_lines(report))


def test_faults_name_file_line_and_id_and_never_the_shared_text(tmp_path: Path, shared: Path) -> None:
    rows = changed(sound_rows(), lambda rows: rows[-1].update(title=COPIED))
    fault = next(line for line in report_lines(checked(tmp_path, rows, shared)) if "words in a row" in line)
    assert f"{tmp_path / 'corpus' / 'ru.jsonl'}:84: ru-083: " in fault
    assert "real.jsonl:1" in fault
    assert COPIED not in fault


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.setattr(corpus_checks, "Least", lambda: LEAST)

    def call(*arguments: str, change: Callable[[Rows], object] = lambda _: None) -> int:
        write_corpus(tmp_path, changed(sound_rows(), change))
        with pytest.raises(SystemExit) as left:
            main(["check-corpus", "--corpus", str(tmp_path), *arguments])
        return int(left.value.code or 0)

    return call


def test_the_command_prints_one_object_and_leaves_with_0_or_1(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--json") == 0
    assert json.loads(capsys.readouterr().out)["passed"]
    assert run("--json", change=lambda rows: rows[0].update(date="2027-01-01")) == EXIT_FAILED
    report = json.loads(capsys.readouterr().out)
    (fault,) = next(gate for gate in report["gates"] if gate["name"] == "schema")["faults"]
    assert fault["id"] == "ar-000"
    assert fault["where"].endswith("ar.jsonl:1")
    assert report["agreement"]["all"]["framing"]["alpha"] == 1


def test_the_command_prints_tables_for_people(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    printed = capsys.readouterr()
    assert "near-duplicates    passed" in printed.out
    assert "gate: near-duplicates" in printed.err


def test_bad_input_is_refused(run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--shared", str(tmp_path / "nowhere")) == EXIT_REFUSED
    (tmp_path / "aa.jsonl").write_text("{\n", "utf-8")
    assert run() == EXIT_REFUSED
    assert "aa.jsonl:1:2: expected one JSON object" in capsys.readouterr().err
    with pytest.raises(DataError, match="no such file or folder"):
        check_corpus(tmp_path / "none", tmp_path, default_taxonomy())
