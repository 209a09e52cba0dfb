import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from framing.v1 import classification_service_pb2 as pb
from serving.client import FramingClient, main
from serving.display import render
from serving.server import FramingServer
from serving.settings import Settings
from tests.running import running_server

TEXT = "Russia and Iran sign a treaty\nThe presidents of Russia and Iran signed a treaty in Moscow on Friday."


@pytest.fixture(scope="module")
def server(bundle: Path) -> Iterator[FramingServer]:
    with running_server(Settings(address="127.0.0.1:0", bundle=str(bundle))) as running:
        yield running


@pytest.fixture
def address(server: FramingServer) -> str:
    return f"127.0.0.1:{server.port}"


def run(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


def test_json_is_the_reply_one_line_a_file(address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.txt"
    file.write_text(TEXT, "utf-8")
    assert run(["--address", address, "classify", "--json", str(file), str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    answer = json.loads(lines[0])["classification"]
    assert [score["label"] for score in answer["topics"]] == ["diplomacy", "defense", "conflict"]
    for evidence in answer["evidence"]:
        begin, end = evidence["span"].get("begin", 0), evidence["span"]["end"]
        assert TEXT[begin:end].strip() == TEXT[begin:end] != ""


def test_people_get_lines_with_evidence_highlighted(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.txt"
    file.write_text(TEXT, "utf-8")
    assert run(["--address", address, "classify", "--color", "always", str(file)]) == 0
    painted = capsys.readouterr().out
    assert "\x1b[1;4m" in painted
    assert run(["--address", address, "classify", str(file)]) == 0
    plain = capsys.readouterr().out
    assert "\x1b" not in plain
    assert "diplomacy" in plain
    assert "\u2068" in plain  # evidence keeps its own direction


def test_standard_input_is_a_file_named_dash(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert run(["--address", address, "classify", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["classification"]["language"] == "en"


def test_bad_files_are_reported_and_good_ones_answered(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = {
        "good.txt": TEXT.encode(),
        "latin.txt": b"caf\xe9",
        "surrogate.txt": b"a \xed\xa0\x80 b",
        "blank.txt": b" \n",
        "empty.txt": b"",
        "long.txt": b"x" * (5 << 20),
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    files = [
        str(tmp_path / name)
        for name in ("latin.txt", "surrogate.txt", "blank.txt", "empty.txt", "long.txt", "none.txt", "good.txt")
    ]
    assert run(["--address", address, "classify", "--json", *files]) == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 1
    problems = captured.err.splitlines()
    for problem, words in zip(
        problems,
        ["latin.txt: TEXT_NOT_UTF8 expected UTF-8, got byte 0xe9 at offset 3", "TEXT_NOT_UTF8", "INVALID_ARGUMENT TEXT_EMPTY article.text",
         "INVALID_ARGUMENT TEXT_EMPTY article.text", "INVALID_ARGUMENT TEXT_TOO_LONG article.text", "none.txt: No such file"],
        strict=True,
    ):  # fmt: skip
        assert words in problem


def test_no_server_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--address", "127.0.0.1:1", "--timeout", "30", "info"]) == 1
    error = capsys.readouterr().err
    assert "UNAVAILABLE" in error
    assert len(error.splitlines()) == 1


def test_info_is_json(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--address", address, "info"]) == 0
    assert json.loads(capsys.readouterr().out)["taxonomyVersion"] == "1.0.0"


def test_health_is_an_exit_code(address: str, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--address", address, "health", "--service", "framing.v1.ClassificationService"]) == 0
    assert capsys.readouterr().out == "SERVING\n"
    with running_server(Settings(address="127.0.0.1:0", bundle=str(bundle)), load=False) as empty:
        assert run(["--address", f"127.0.0.1:{empty.port}", "health"]) == 1
    assert capsys.readouterr().out == "NOT_SERVING\n"
    assert run(["--address", address, "health", "--service", "nothing.of.ours"]) == 1
    assert "NOT_FOUND" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_traceback(address: str, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(TEXT, "utf-8")
    command = f"{sys.executable} -m serving.client --address {address} classify {f'{file} ' * 50}| head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert "Traceback" not in done.stderr


def test_the_library_answers(address: str) -> None:
    with FramingClient(address) as client:
        assert client.classify(pb.Article(text=TEXT)).classification.framings


def test_control_characters_of_a_text_never_reach_the_terminal() -> None:
    article = pb.Article(text="Iran \x1b[2J and Russia \x07 sign")
    evidence = pb.Evidence(label="diplomacy", part=pb.ARTICLE_PART_TEXT, span=pb.Span(begin=0, end=len(article.text)))
    shown = render("x", article, pb.Classification(evidence=[evidence]), colour=False)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "Iran [2J and Russia  sign" in shown
