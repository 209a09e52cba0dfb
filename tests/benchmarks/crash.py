"""A fit, a search and a retraining, each killed at ten random moments, and what they leave.

    python -m tests.benchmarks.crash [fit|search|retraining ...] [--kills 10] [--seed 1]

On a hundred items of the bundled corpus, in a store of its own. After each kill the store must be readable, each version
whole and each alias one that may be; after the last, one more command must end well, and each killed run say so. Prints
one JSON object for each of the three and ends with 1 if something does not hold. Takes a few minutes.
"""

import argparse
import json
import random
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framing.errors import FramingError
from tests.crashes import Store, check, check_dead_runs, check_study, finished, finished_trials, killed_after
from training.data import bundled_corpus
from training.registry import CHAMPION, PREVIOUS

ITEMS, NEW = 100, 8
LEAST_SECONDS = 0.05
WITHOUT_A_STORE = 3  # of the kills, while there is nothing yet


def main() -> None:
    """Kill what the command line names, print, and exit with 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", nargs="*", metavar="WORK", help=f"{', '.join(WORKS)}; all if none is named")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    options = parser.parse_args()
    held = [told(name, options.kills, random.Random(options.seed)) for name in options.works or WORKS]  # noqa: S311 no secret
    sys.exit(0 if all(held) else 1)


def told(name: str, kills: int, draw: random.Random) -> bool:
    """Kill the work `name`, print what came of it and return whether all held."""
    with tempfile.TemporaryDirectory() as folder:
        data = _items(Path(folder) / "items.jsonl", 0, ITEMS)
        store = Store(Path(folder), data)
        result: dict[str, Any] = {"work": name, "kills": kills}
        try:
            result |= WORKS[name](store, kills, draw)
        except (AssertionError, FramingError) as error:
            result |= {"fault": f"{type(error).__name__}: {error}", "where": traceback.format_exc().splitlines()[-6:]}
    result["holds"] = "fault" not in result
    print(json.dumps(result, ensure_ascii=False), flush=True)
    return bool(result["holds"])


def fit(store: Store, kills: int, draw: random.Random) -> dict[str, Any]:
    """Kill fits: some while there is no store, the others beside a champion."""
    early = min(WITHOUT_A_STORE, kills)
    for _ in range(early):
        killed_after(store.fit(), draw.uniform(LEAST_SECONDS, 3.0))
    _checked(store, [None, "1", "2", "3"])
    seconds = finished(store.fit())
    champion = store.registry.version_of(CHAMPION)
    for _ in range(kills - early):
        killed_after(store.fit(), draw.uniform(LEAST_SECONDS, seconds))
        _checked(store, [champion])
    finished(store.fit())
    return {"seconds": seconds, "killed_runs": check_dead_runs(store), "champion": _checked(store, [champion])}


def search(store: Store, kills: int, draw: random.Random) -> dict[str, Any]:
    """Kill a search that is begun again and again, and let it end."""
    seconds = finished(store.search(1))
    for _ in range(kills):
        killed_after(store.search(100 * kills), draw.uniform(LEAST_SECONDS, 2 * seconds))
        _checked(store, [None])
    trials = finished_trials(store) + 1
    finished(store.search(trials))
    lost, killed = check_study(store, trials), check_dead_runs(store)
    return {"seconds": seconds, "trials": trials, "lost_trials": lost, "killed_runs": killed}


def retraining(store: Store, kills: int, draw: random.Random) -> dict[str, Any]:
    """Kill retrainings, each on other new items than the one before, and let one end."""
    finished(store.fit())
    seconds = finished(store.retraining(_new(store, 0)))
    champion = store.registry.version_of(CHAMPION)
    moved = 0
    for number in range(1, kills + 1):
        killed_after(store.retraining(_new(store, number)), draw.uniform(LEAST_SECONDS, seconds))
        now = _checked(store, [champion, *_later(champion)])
        assert now == champion or store.registry.version_of(PREVIOUS) == champion
        moved, champion = moved + (now != champion), now
    finished(store.retraining(_new(store, kills + 1)))
    last = _checked(store, _later(champion))
    finished(store.retraining(_new(store, kills + 1)))  # there is nothing left to do
    assert _checked(store, [last]) == last
    return {"seconds": seconds, "killed_runs": check_dead_runs(store), "promoted_before_the_kill": moved}


WORKS = {"fit": fit, "search": search, "retraining": retraining}


def _checked(store: Store, champions: Sequence[str | None]) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        return check(store, Path(folder), champions)


def _later(champion: str | None) -> list[str | None]:
    first = int(champion or 0) + 1
    return [str(number) for number in range(first, first + 20)]


def _new(store: Store, number: int) -> Path:
    return _items(store.folder / f"new-{number}.jsonl", ITEMS + number * NEW, NEW)


def _items(file: Path, begin: int, count: int) -> Path:
    """Write `count` items of the corpus, all languages and labels mixed, from the place `begin` on, and return `file`."""
    lines = sorted(_lines(), key=lambda line: random.Random(line).random())  # noqa: S311 no secret
    file.write_text("\n".join(lines[begin : begin + count]) + "\n", "utf-8")
    return file


def _lines() -> Iterator[str]:
    for file in sorted(bundled_corpus().glob("*.jsonl")):
        yield from file.read_text("utf-8").splitlines()


if __name__ == "__main__":
    main()
