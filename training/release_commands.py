"""The commands by which one model follows another: compare, promote, rollback, retrain."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from framing.errors import ModelUnavailable
from framing.store import default_tracking_uri, state_directory
from training.config import Config, load_config

EXIT_DONE = 0
EXIT_CLOSED = 1  # the gate; 2 is bad input (training.__main__)
EXIT_BUSY = 3


def add_release_commands(commands: Any) -> None:
    """Add the commands to the sub-parsers `commands`."""
    command = commands.add_parser("compare", help="show how runs differ, with intervals, and which items flipped")
    command.add_argument("runs", nargs="+", metavar="RUN", help="run, version, champion, challenger or previous")
    _add_settings(command)
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    command.set_defaults(command=_compare)

    command = commands.add_parser(
        "promote",
        help="make a version champion if the gate opens",
        epilog="exit codes: 0 promoted (with --dry-run: would be), 1 gate closed, 2 bad input, "
        "3 another promotion was faster",
    )
    command.add_argument("run", nargs="?", default="challenger", metavar="VERSION|RUN", help="default: challenger")
    command.add_argument("--dry-run", action="store_true", help="judge, and change nothing")
    _add_settings(command)
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    command.set_defaults(command=_promote)

    command = commands.add_parser("rollback", help="make the previous champion champion again")
    _add_settings(command)
    command.set_defaults(command=_rollback)

    command = commands.add_parser(
        "retrain",
        help="fit on the champion's corpus and new data, and promote if the gate opens",
        epilog="exit codes: 0 promoted or nothing new, 1 gate closed, 2 bad input, 3 another retraining or promotion "
        "is at work: try again later",
    )
    command.add_argument("--data", type=Path, nargs="+", required=True, metavar="NEW", help="new labelled data")
    _add_settings(command)
    command.set_defaults(command=_retrain)


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", default="default", metavar="FILE", help="TOML file, or a shipped configuration")
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="such as gate.most_worse=0.02")
    command.add_argument("--tracking-uri", default=None, help="MLflow; default MLFLOW_TRACKING_URI, else var/mlflow.db")


def _archive(options: argparse.Namespace, config: Config) -> Any:
    from training.archive import Archive  # mlflow takes seconds to import: only where it is needed
    from training.tracking import Tracking

    uri = options.tracking_uri or default_tracking_uri()
    return Archive(Tracking(uri, experiment=config.registry.experiment, model=config.registry.model))


def _promote(options: argparse.Namespace) -> int:
    from training.promote import judge, promote, settle
    from training.registry import CHAMPION
    from training.release_tables import verdict_lines

    config = load_config(options.config, options.set)
    archive = _archive(options, config)
    candidate, registry = archive.find(options.run), archive.tracking.registry
    if candidate.version is None:
        raise ModelUnavailable(f"{candidate.label}: expected a run that registered a version")
    if candidate.version == registry.version_of(CHAMPION):
        settle(archive, candidate)
        _say(f"{registry.model} {candidate.label} is champion already: nothing to do")
        return EXIT_DONE
    verdict = judge(archive, config.gate, candidate, progress=_say)
    if options.json:
        print(json.dumps(verdict.to_dict(), ensure_ascii=False))
    else:
        print("\n".join(verdict_lines(verdict)))
    if not options.dry_run:
        promote(archive, verdict)
    return EXIT_DONE if verdict.open else EXIT_CLOSED


def _rollback(options: argparse.Namespace) -> int:
    registry = _archive(options, load_config(options.config, options.set)).tracking.registry
    was, champion = registry.roll_back()
    _say(f"{registry.model}: version {champion} is champion again, version {was} is not")
    return EXIT_DONE


def _retrain(options: argparse.Namespace) -> int:
    from training.locks import file_lock
    from training.release_tables import verdict_lines
    from training.retrain import retrain

    config = load_config(options.config, options.set)
    with file_lock(state_directory() / f"retrain.{config.registry.model}.lock", wait=False):
        done = retrain(_archive(options, config), config, options.data, progress=_say)
    if done.verdict:
        print("\n".join(verdict_lines(done.verdict)))
    _say(done.message)
    return EXIT_CLOSED if done.verdict and not done.verdict.open else EXIT_DONE


def _compare(options: argparse.Namespace) -> int:
    from training.compare_runs import compare_runs
    from training.release_tables import comparison_lines

    archive = _archive(options, load_config(options.config, options.set))
    report = compare_runs(archive, [archive.find(run) for run in options.runs], progress=_say)
    print(json.dumps(report, ensure_ascii=False) if options.json else "\n".join(comparison_lines(report)))
    return EXIT_DONE


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
