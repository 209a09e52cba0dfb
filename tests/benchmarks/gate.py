"""Corpora that must not make a champion, and one that must not be refused, fitted for real and judged by the gate.

    python -m tests.benchmarks.gate FOLDER [CASE...] [--set KEY=VALUE]

The champion is fitted on the bundled corpus, each challenger on what its case makes of that, in a store in FOLDER; a
champion that is there already is kept, so that cases can be run one by one. Each fit takes about two minutes. Prints
one JSON object a case and ends with 1 if a verdict is not the one expected.
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framing.taxonomy import default_taxonomy
from training.data import bundled_corpus

Row = dict[str, Any]
Change = Callable[[Sequence[Row]], list[Row]]

FLIPPED = 0.2
KEPT = 0.9
TRUSTED = 0.6


def whole(rows: Sequence[Row]) -> list[Row]:
    """Return `rows`."""
    return list(rows)


def leaking(rows: Sequence[Row]) -> list[Row]:
    """Return `rows` with the outlet's name at the end of each text."""
    return [row | {"text": f"{row['text']} ({row['outlet']})"} for row in rows]


def mislabelled(rows: Sequence[Row]) -> list[Row]:
    """Return `rows` of which a fifth have another framing, and one topic more or less."""
    draw = random.Random(1)  # noqa: S311 no secret
    chosen = set(draw.sample(range(len(rows)), round(FLIPPED * len(rows))))
    return [_flipped(row, draw) if place in chosen else row for place, row in enumerate(rows)]


def shrunken(rows: Sequence[Row]) -> list[Row]:
    """Return nine tenths of the stories."""
    return _parted(rows, KEPT)[0]


def trusted(rows: Sequence[Row]) -> list[Row]:
    """Return three fifths of the stories."""
    return _parted(rows, TRUSTED)[0]


def newly_mislabelled(rows: Sequence[Row]) -> list[Row]:
    """Return `rows`, of which those that are not `trusted` are mislabelled."""
    old, new = _parted(rows, TRUSTED)
    return [*old, *mislabelled(new)]


def _parted(rows: Sequence[Row], share: float) -> tuple[list[Row], list[Row]]:
    """Return the rows of a `share` of the stories, and the others."""
    stories = sorted({row["story"] for row in rows})
    chosen = set(random.Random(1).sample(stories, round(share * len(stories))))  # noqa: S311 no secret
    return [row for row in rows if row["story"] in chosen], [row for row in rows if row["story"] not in chosen]


def _flipped(row: Row, draw: random.Random) -> Row:
    taxonomy = default_taxonomy()
    framing = draw.choice([name for name in taxonomy.framing_ids if name != row["framing"]])
    topics = {*row["topics"]} ^ {draw.choice(taxonomy.topic_ids)}
    return row | {"framing": framing, "topics": sorted(topics)}


@dataclass(frozen=True, slots=True)
class Case:
    """What becomes of the corpus, the first reason for which the gate must refuse (empty if it must not), settings.

    The champion is fitted on what `trusted` makes of the corpus.
    """

    change: Change
    reason: str
    settings: tuple[str, ...] = ()
    trusted: Change = whole


CASES: Mapping[str, Case] = {
    "leaking": Case(leaking, "leak"),
    "mislabelled": Case(mislabelled, "relabelled"),
    "newly_mislabelled": Case(newly_mislabelled, "new_labels", trusted=trusted),
    "shrunken": Case(shrunken, "missing"),
    "reseeded": Case(whole, "", ("seed=8",)),
    "reseeded_again": Case(whole, "", ("seed=9",)),
}


def main() -> None:
    """Fit and judge what the command line names; exit with 1 if a verdict is not as expected."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"{', '.join(CASES)}; all if none is named")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="settings of every fit")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    judged = [judge(name, options.folder.resolve(), options.set) for name in options.cases or CASES]
    sys.exit(0 if all(result["holds"] for result in judged) else 1)


def judge(name: str, folder: Path, settings: Sequence[str]) -> dict[str, Any]:
    """Fit a champion if there is none and the challenger of the case `name`, promote it dry, print and return that."""
    case, rows = CASES[name], _rows(bundled_corpus())
    folder /= case.trusted.__name__  # a store for each champion
    _train(folder, "fit", "--unless-champion", settings=[*settings, _data(folder / "corpus", case.trusted(rows))])
    changed = _data(folder / name, case.change(rows))
    _train(folder, "fit", settings=[*settings, *case.settings, changed])
    verdict = json.loads(
        _train(folder, "promote", "challenger", "--dry-run", "--json", settings=settings, codes=(0, 1))
    )
    first = (verdict["reasons"] or [""])[0]
    failed = {check["name"]: check["message"] for check in verdict["checks"] if not check["holds"]}
    found = {
        "case": name,
        "open": verdict["open"],
        "reasons": failed,
        "expected": case.reason,
        "holds": first == case.reason,
    }
    print(json.dumps(found, ensure_ascii=False), flush=True)
    return found


def _rows(folder: Path) -> list[Row]:
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.open(encoding="utf-8")]


def _data(folder: Path, rows: Sequence[Row]) -> str:
    """Write `rows` into `folder` and return the setting that names it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "items.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return f'data.paths=["{folder}"]'


def _train(folder: Path, *words: str, settings: Sequence[str], codes: tuple[int, ...] = (0,)) -> str:
    """Run ``framing-train`` in the folder's store and return what it printed on standard output."""
    sets = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "training", *words, "--tracking-uri", f"sqlite:///{folder}/mlflow.db", *sets]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in codes:
        raise SystemExit(f"{' '.join(words)}: expected exit code {codes}, got {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
