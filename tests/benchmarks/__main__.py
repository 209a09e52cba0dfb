"""Run benchmarks and write bench.json and the table in BENCHMARKS.md.

python -m tests.benchmarks [NAME...]     all of them, peers aside, if none is named
"""

import sys
from importlib import import_module

from tests.benchmarks.results import Result, Skipped, write_results

NAMES = ("scoring", "throughput", "process", "fit")


def main() -> None:
    """Run what the command line names; exit with 1 if a target was missed."""
    results: list[Result] = []
    skipped: dict[str, str] = {}
    for name in sys.argv[1:] or NAMES:
        try:
            for result in import_module(f"tests.benchmarks.{name}").measure():
                verdict = {True: "holds", False: "MISSED", None: ""}[result.holds]
                print(f"{result.name}: {result.value:.4g} {result.unit} {result.target} {verdict}", flush=True)
                results.append(result)
        except Skipped as reason:
            skipped[name] = str(reason)
            print(f"{name}: skipped: {reason}", flush=True)
    write_results(results, skipped)
    sys.exit(any(result.holds is False for result in results))


if __name__ == "__main__":
    main()
