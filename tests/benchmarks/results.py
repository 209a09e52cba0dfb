"""What a benchmark says, and where it is written: bench.json, and a table in BENCHMARKS.md."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BEGIN, _END = "<!-- make bench begins -->", "<!-- make bench ends -->"


class Skipped(Exception):  # as unittest's SkipTest: it is no error
    """A benchmark that cannot be run here, and why."""


@dataclass(frozen=True, slots=True)
class Result:
    """A figure, what it should be (``>= 0.6``, ``<= 2``; empty if it is told and not judged), and how it was got."""

    name: str
    value: float
    unit: str
    target: str
    command: str

    @property
    def holds(self) -> bool | None:
        """Whether the value is as the target says; None where there is no target."""
        if not self.target:
            return None
        relation, bound = self.target.split()
        return self.value >= float(bound) if relation == ">=" else self.value <= float(bound)


def write_results(results: Sequence[Result], skipped: dict[str, str]) -> None:
    """Write what this run found; what earlier runs of other benchmarks found in bench.json stays."""
    path = ROOT / "bench.json"
    earlier = json.loads(path.read_text("utf-8"))["results"] if path.is_file() else []
    names = {result.name for result in results}
    commit = _commit()
    rows = [{"commit": "", **row} for row in earlier if row["name"] not in names]
    rows += [_row(result, commit) for result in results]
    rows.sort(key=lambda row: str(row["name"]))
    data = {"commit": commit, "machine": _machine(), "results": rows, "skipped": skipped}
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    _write_table(rows, data["machine"])


def _row(result: Result, commit: str) -> dict[str, object]:
    return {**asdict(result), "value": float(f"{result.value:.4g}"), "holds": result.holds, "commit": commit}


def _write_table(rows: Sequence[dict[str, object]], machine: str) -> None:
    lines = [
        _BEGIN,
        f"## Serving speed ({date.today()}, `make bench`)",
        "",
        f"{machine}. Ratios are of one run, side by side.",
        "",
        "| figure | value | target | holds | command | commit |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {row['name']} | {row['value']} {row['unit']} | {row['target'] or '–'} | "
            f"{ {True: 'yes', False: '**no**', None: '–'}[row['holds']] } | `{row['command']}` | {row['commit']} |"  # type: ignore[index]
            for row in rows
        ),
        _END,
    ]
    path = ROOT / "BENCHMARKS.md"
    text = path.read_text("utf-8")
    table = "\n".join(lines)
    if _BEGIN in text:
        text = re.sub(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", lambda _: table, text, flags=re.DOTALL)
    else:
        text = text.rstrip("\n") + "\n\n\n" + table + "\n"
    path.write_text(text, "utf-8")


def _commit() -> str:
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def _machine() -> str:
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    name = model.group(1).strip() if model else platform.processor()
    return f"{os.cpu_count()} cores of {name}, Python {platform.python_version()}, {platform.system()}"
