"""The command line of the training package: ``framing-train``."""

import argparse
import atexit
import gc
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from framing.bundle import check_golden, load_bundle
from framing.errors import Busy, ConfigError, DataError, FramingError
from framing.model import FramingModel
from framing.store import default_tracking_uri
from framing.taxonomy import default_taxonomy
from framing.tokens import hold_tokens
from training.choice_commands import add_choice_commands
from training.config import Config, load_config
from training.data import bundled_corpus, configured_corpus, load_corpus
from training.evaluate import Report, evaluate
from training.release_commands import EXIT_BUSY, add_release_commands

EXIT_FAILED = 1
EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130

_MOST_TOKENS = 1 << 19  # the bundled corpus has 163,000 between spaces; one takes about 300 bytes
_COLLECTED_AFTER = 1_000_000  # new objects: a corpus is millions that stay, and looking through them took 7 s of a fit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command in `arguments` (those of the process if None) and exit with its code."""
    options = _parser().parse_args(arguments)
    hold_tokens(_MOST_TOKENS)
    gc.set_threshold(_COLLECTED_AFTER)
    atexit.register(gc.freeze)  # to look through what is left before it goes took 3 s
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's kill ends the run as KILLED, too
    try:
        code: int = options.command(options)
    except FramingError as error:
        print(f"framing-train: {error}", file=sys.stderr)
        code = EXIT_BUSY if isinstance(error, Busy) else EXIT_REFUSED
    except KeyboardInterrupt:
        print("framing-train: interrupted", file=sys.stderr)
        code = EXIT_INTERRUPTED
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="framing-train", description="Train and measure framing models.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("fit", help="fit, log to MLflow and register a model")
    _configurable(command)
    command.add_argument("--promote", action="store_true", help="make the new version champion at once")
    command.add_argument("--unless-champion", action="store_true", help="do nothing if there is a champion already")
    command.set_defaults(command=_fit)

    command = commands.add_parser("evaluate", help="measure a model on labelled data")
    command.add_argument("--data", type=Path, metavar="FILE", help="file or folder; default data.test of --config")
    command.add_argument(
        "--model", default="", help="bundle folder or models:/NAME@ALIAS; default models:/framing@champion"
    )
    _configurable(command)
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    command.set_defaults(command=_evaluate)

    add_release_commands(commands)

    add_choice_commands(commands)

    command = commands.add_parser("learning-curve", help="fit on growing shares of the stories and measure each")
    command.add_argument("--data", type=Path, metavar="FILE", help="measure on other labelled data, too")
    _configured(command)
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    command.set_defaults(command=_learning_curve)

    command = commands.add_parser("leave-out", help="measure on outlets, or on a language, that nothing was fitted on")
    command.add_argument("kind", choices=("outlet", "language"), help="the outlets go in folds.count parts")
    _configured(command)
    command.add_argument("--stories", action="store_true", help="measure the folds of a fit, too, and the difference")
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    command.set_defaults(command=_leave_out)

    command = commands.add_parser("check-corpus", help="try every quality gate of our own corpus")
    command.add_argument("--corpus", type=Path, metavar="DIR", help="default: the bundled corpus")
    command.add_argument("--shared", type=Path, metavar="DIR", help="texts to share none with; default ../shared")
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    command.set_defaults(command=_check_corpus)

    command = commands.add_parser("folds", help="show near-duplicates and the folds of labelled data")
    _configured(command)
    command.add_argument("--data-dir", type=Path, metavar="DIR", help="where relative paths of data start")
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    command.set_defaults(command=_folds)

    command = commands.add_parser("benchmark", help="measure a recipe and its baseline on a public set")
    command.add_argument("name", metavar="NAME", help="gvfc, semeval2016, mawqif, allsides, or a TOML file")
    _overridden(command)
    command.add_argument("--test", type=Path, metavar="FILE", help="score this part of the set, fitted on all the rest")
    command.add_argument("--data-dir", type=Path, metavar="DIR", help="default ../shared/benchmarks of the checkout")
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    command.set_defaults(command=_benchmark)
    return parser


def _configurable(command: argparse.ArgumentParser) -> None:
    _configured(command)
    _tracked(command)


def _configured(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", default="default", metavar="FILE", help="TOML file, or a shipped configuration")
    _overridden(command)


def _overridden(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override, such as framing.c=3"
    )


def _tracked(command: argparse.ArgumentParser) -> None:
    command.add_argument("--tracking-uri", default=None, help="MLflow; default MLFLOW_TRACKING_URI, else var/mlflow.db")


def _fit(options: argparse.Namespace) -> int:
    config: Config = load_config(options.config, options.set)  # what is wrong with it is told before the slow imports
    from training.registry import CHAMPION
    from training.run import train  # mlflow takes seconds to import: only where it is needed
    from training.tracking import Tracking

    uri = options.tracking_uri or default_tracking_uri()
    tracking = Tracking(uri, experiment=config.registry.experiment, model=config.registry.model)
    if options.unless_champion and (version := tracking.registry.version_of(CHAMPION)):
        _say(f"{config.registry.model} version {version} is champion: nothing to do")
        return 0
    outcome = train(config, tracking, promote=options.promote, progress=_say)
    _say(f"run {outcome.run_id}: version {outcome.version}, " + ("champion" if outcome.champion else "challenger"))
    _print_report(outcome.report)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    data = load_config(options.config, options.set).data
    if options.data:
        data = data.model_copy(update={"hub": "", "test": (str(options.data),)})
    if not data.test:
        raise ConfigError("expected --data FILE, or data.test in the configuration, got neither")
    corpus = load_corpus(data.test, default_taxonomy(), data)
    with tempfile.TemporaryDirectory() as folder:
        model = _open_model(options, Path(folder))
    with tqdm(total=len(corpus.items), unit="item", disable=None) as bar:
        report = evaluate(model, corpus.items, progress=lambda _: bar.update())
    if options.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        _print_report(report)
    return 0


def _learning_curve(options: argparse.Namespace) -> int:
    from training.learning_curve import learning_curve
    from training.run import read_all

    config, taxonomy = load_config(options.config, options.set), default_taxonomy()
    items = configured_corpus(config.data, taxonomy).items
    unseen = load_corpus([options.data], taxonomy).items if options.data else ()
    points = []
    for point in learning_curve(config, items, read_all(items), progress=_say):
        reports = {"held_out": point.held_out} | ({"unseen": evaluate(point.model, unseen)} if unseen else {})
        points.append({"share": point.share, "items": point.items, **reports})
        if not options.json:
            told = f"{point.share:4.0%} {point.items:5} items"
            print(told, *map(_figures, reports.values()), sep="  |  ", flush=True)
    if options.json:
        print(json.dumps({"points": points}, ensure_ascii=False))
    return 0


def _leave_out(options: argparse.Namespace) -> int:
    from training.leave_out import leave_out
    from training.tables import leave_out_table

    config = load_config(options.config, options.set)
    items = configured_corpus(config.data, default_taxonomy()).items
    report = leave_out(options.kind, config, items, stories=options.stories, progress=_say)
    print(json.dumps(report, ensure_ascii=False) if options.json else "\n".join(leave_out_table(report)))
    return 0


def _figures(report: Report) -> str:
    topics, framing = report["topics"], report["framing"]
    low, high = framing["intervals"]["f1_macro"]
    return (
        f"topics micro {topics['f1_micro']:.3f} macro {topics['f1_macro']:.3f}, "
        f"framing macro {framing['f1_macro']:.3f} [{low:.3f}, {high:.3f}] accuracy {framing['accuracy']:.3f}"
    )


def _check_corpus(options: argparse.Namespace) -> int:
    from training.corpus_checks import check_corpus, checkout_shared
    from training.corpus_tables import report_lines

    if options.shared and not options.shared.is_dir():
        raise DataError(f"--shared: expected a folder, there is none at {options.shared}")
    folder, shared = options.corpus or bundled_corpus(), options.shared or checkout_shared()
    report = check_corpus(folder, shared, default_taxonomy(), progress=_say)
    if options.json:
        print(json.dumps(report.to_dict(), ensure_ascii=False))
    else:
        print("\n".join(report_lines(report)))
    return 0 if report.passed else EXIT_FAILED


def _folds(options: argparse.Namespace) -> int:
    from training.benchmark_config import DEFAULT_DATA, BenchmarkConfig, load_data_config
    from training.fold_report import describe_folds  # scikit-learn takes seconds to import: only where it is needed
    from training.tables import fold_table

    config = load_data_config(options.config, options.set)
    folder = options.data_dir or (DEFAULT_DATA if isinstance(config, BenchmarkConfig) else Path())
    report = describe_folds(config.model_copy(update={"data": config.data.under(folder)}))
    print(json.dumps(report, ensure_ascii=False) if options.json else "\n".join(fold_table(report)))
    return 0


def _benchmark(options: argparse.Namespace) -> int:
    from training.benchmark import run_benchmark
    from training.benchmark_config import DEFAULT_DATA, load_benchmark
    from training.tables import benchmark_table

    config = load_benchmark(options.name, options.set)
    report = run_benchmark(config, options.data_dir or DEFAULT_DATA, test=options.test, progress=_say)
    report = {"benchmark": options.name, **report}
    print(json.dumps(report, ensure_ascii=False) if options.json else "\n".join(benchmark_table(options.name, report)))
    return 0


def _open_model(options: argparse.Namespace, folder: Path) -> FramingModel:
    bundle = Path(options.model)
    if not options.model or options.model.startswith("models:/"):
        from training.tracking import fetch_bundle

        uri = options.model or "models:/framing@champion"
        bundle = fetch_bundle(options.tracking_uri or default_tracking_uri(), uri, folder)
    model = load_bundle(bundle)
    check_golden(model, bundle)
    return model


def _print_report(report: Report) -> None:
    from training.tables import report_lines

    print("\n".join(report_lines(report)))


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
