"""The commands by which settings are chosen: search and ablate."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from framing.store import default_tracking_uri
from framing.taxonomy import default_taxonomy
from training.config import load_config
from training.data import configured_corpus


def add_choice_commands(commands: Any) -> None:
    """Add the commands to the sub-parsers `commands`."""
    command = commands.add_parser("search", help="look for better settings; goes on where it was interrupted")
    _add_settings(command)
    command.add_argument("--tracking-uri", default=None, help="MLflow; default MLFLOW_TRACKING_URI, else var/mlflow.db")
    command.add_argument("--space", default="search", metavar="FILE", help="TOML file, or a shipped search")
    command.add_argument(
        "--trials", type=int, metavar="N", help="how many the study is to have; default as in the space"
    )
    command.add_argument("--study", metavar="URL", help="Optuna's database; default search.db beside var/mlflow.db")
    command.add_argument("--output", type=Path, metavar="FILE", help="write the configuration that was found, as TOML")
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    command.set_defaults(command=_search)

    command = commands.add_parser("ablate", help="measure what each part of a configuration is worth, as a table")
    _add_settings(command)
    command.add_argument("--variants", default="ablations", metavar="FILE", help="TOML file, or a shipped ablation")
    command.add_argument("--only", nargs="+", default=[], metavar="WORDS", help="variants whose names have these words")
    command.add_argument("--json", action="store_true", help="print one JSON object a line on standard output")
    command.set_defaults(command=_ablate)


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", default="default", metavar="FILE", help="TOML file, or a shipped configuration")
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override, such as topics.c=3")


def _search(options: argparse.Namespace) -> int:
    from training.search import default_study, run_search
    from training.search_config import load_search
    from training.search_outcome import config_text, log_outcome, search_outcome
    from training.tracking import Tracking
    from training.trials import FIGURES

    config, search = load_config(options.config, options.set), load_search(options.space, FIGURES)
    if options.trials:
        search = search.model_copy(update={"trials": options.trials})
    uri = options.tracking_uri or default_tracking_uri()
    study = options.study or default_study(uri)
    tracking = Tracking(uri, experiment=config.registry.experiment, model=config.registry.model)
    run_search(config, search, tracking, study, progress=_say)
    outcome = search_outcome(config, search, study, progress=_say)
    if options.output:
        options.output.write_text(config_text(outcome.config), "utf-8")
    for line in [json.dumps(outcome.to_dict())] if options.json else outcome.lines():
        print(line, flush=True)
    log_outcome(outcome, tracking)
    return 0


def _ablate(options: argparse.Namespace) -> int:
    from training.ablation import ablate, ablation_lines, load_ablation

    config, taxonomy = load_config(options.config, options.set), default_taxonomy()
    variants = load_ablation(options.variants).variants
    if options.only:
        variants = {name: one for name, one in variants.items() if any(words in name for words in options.only)}
    worths = ablate(config, variants, configured_corpus(config.data, taxonomy).items, taxonomy, progress=_say)
    lines = (json.dumps(asdict(worth), ensure_ascii=False) for worth in worths)
    for line in lines if options.json else ablation_lines(worths):
        print(line, flush=True)
    return 0


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
