import json
import logging
import os
import time
from pathlib import Path

import pytest

from framing.errors import ConfigError
from serving.call_context import CallContext
from serving.logs import CallLog, HumanFormatter, JsonFormatter

CONTEXT = CallContext("id-1", "4bf92f3577b34da6a3ce929d0e0e4736")


def lines(file: Path, style: str, count: int = 1, version: str = "framing/3") -> list[str]:
    with file.open("wb") as target:
        log = CallLog(target.fileno(), style)
        for _ in range(count):
            log.add("ClassifyArticle", "OK", 0.00125, version, CONTEXT)
        log.close()
    return file.read_text("utf-8").splitlines()


def test_a_call_is_one_json_object(tmp_path: Path) -> None:
    line = json.loads(lines(tmp_path / "log", "json", version='odd"name\\/1')[0])
    assert time.time() - time.mktime(time.strptime(line.pop("time")[:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone < 60
    assert line == {
        "level": "INFO",
        "logger": "framing.serving",
        "message": "call",
        "method": "ClassifyArticle",
        "code": "OK",
        "ms": 1.25,
        "model": 'odd"name\\/1',
        "request_id": "id-1",
        "trace_id": CONTEXT.trace_id,
    }


def test_people_get_the_same(tmp_path: Path) -> None:
    (line,) = lines(tmp_path / "log", "human")
    assert line.endswith(
        "Z INFO framing.serving method=ClassifyArticle code=OK ms=1.25 model=framing/3 request_id=id-1 "
        f"trace_id={CONTEXT.trace_id}"
    )


def test_every_line_comes_whole_and_in_order(tmp_path: Path) -> None:
    assert len(lines(tmp_path / "log", "json", count=5000)) == 5000
    assert all(json.loads(line)["code"] == "OK" for line in lines(tmp_path / "log", "json", count=500))


def test_a_reader_that_is_too_slow_costs_lines_and_no_call() -> None:
    reader, writer = os.pipe()
    log = CallLog(writer, "json")
    begin = time.monotonic()
    for _ in range(30_000):
        log.add("ClassifyArticle", "OK", 0.001, "framing/3", CONTEXT)
    assert time.monotonic() - begin < 20
    assert 0 < log.dropped < 30_000
    os.close(reader)  # what waits cannot be written any more
    log.close()
    os.close(writer)
    assert log.dropped > 29_000 - 65_536 // 200


def fail(error: Exception) -> None:
    raise error


def record(error: Exception) -> logging.LogRecord:
    with pytest.raises(type(error)) as caught:
        fail(error)
    info = (caught.type, caught.value, caught.tb)
    return logging.LogRecord("framing.serving", logging.ERROR, "", 0, "log_id=%s", ("x",), info)


@pytest.mark.parametrize("formatter", [HumanFormatter(), JsonFormatter()])
def test_an_error_is_told_without_what_it_may_quote(formatter: logging.Formatter) -> None:
    told = formatter.format(record(KeyError("a word of somebody's text")))
    assert "somebody" not in told
    assert "KeyError" in told
    assert "test_logs.py" in told
    assert "our own words" in formatter.format(record(ConfigError("our own words")))


def test_a_json_record_is_one_line() -> None:
    line = JsonFormatter().format(record(ValueError("x")))
    assert "\n" not in line
    assert json.loads(line)["message"] == "log_id=x"
