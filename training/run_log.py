"""What a training run logs, under names that stay the same from run to run and sort well."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from framing.fields import FieldedArticle
from training.baselines import Material, baseline_figures
from training.beside import beside
from training.config import Config, load_config
from training.config_files import flatten
from training.data import Corpus, LabelledItem
from training.environment import environment
from training.error_evidence import find_mistakes
from training.error_page import error_page
from training.evaluate import Report
from training.figures import Scored
from training.held_out import HeldOut
from training.item_table import CORPUS_PATH, item_table
from training.learning_curve import Point
from training.model_card import figures_table, model_card
from training.pictures import (
    baseline_bars,
    coverage_risk_curve,
    curve_by_items,
    framing_confusion,
    precision_recall_curves,
    reliability,
    topic_confusion,
)
from training.prediction_table import PREDICTIONS_PATH, folds_digest, labels_digest
from training.tracking import Run
from training.word_vectors import bundled_vectors

_NOT_DATA = {"data", "registry", "gate", "retrain", "reports"}
_LONGEST_NAME = 80
_SECTIONS = ("framing", "topics", "features", "decision")
_SLICES = {"by_language": "language", "by_kind": "kind", "by_length": "length", "by_voice": "voice"}
_MEASURES = (("topics", "f1_micro"), ("topics", "f1_macro"), ("framing", "f1_macro"), ("framing", "accuracy"))


def run_name(config: Config, corpus: Corpus, command: str = "fit") -> str:
    """Return a name that tells runs apart: the corpus, and what differs from the default, classifiers first.

    MLflow's table of runs shows about the first thirty characters.
    """
    return f"{command} {corpus.digest[:4]} {told_changes(config)}"


def told_changes(config: Config) -> str:
    """Return in a few words what differs from the default, classifiers first."""
    changes = sorted(config_changes(config).items(), key=lambda change: _section_rank(change[0]))
    said = ", ".join(f"{name}={value}" for name, value in changes) or "default settings"
    return said if len(said) <= _LONGEST_NAME else f"{said[: _LONGEST_NAME - 1]}…"


def config_changes(config: Config) -> dict[str, Any]:
    """Return the settings in which `config` differs from the shipped default, with dotted names."""
    default, given = (flatten(one.model_dump(mode="json", exclude=_NOT_DATA)) for one in (load_config(), config))
    return {name: value for name, value in given.items() if default.get(name) != value}


def run_tags(config: Config, corpus: Corpus, command: str = "fit") -> dict[str, str]:
    """Return the tags by which the table of runs is read: kind, changes and corpus."""
    changes = ", ".join(f"{name}={value}" for name, value in config_changes(config).items())
    return {
        "framing.kind": command,
        "framing.changes": changes[:500] or "none",
        "framing.corpus": f"{len(corpus.items)} items, {corpus.digest[:12]}",
    }


def log_inputs(run: Run, config: Config, corpus: Corpus) -> None:
    """Log what the run is made from: settings, data and environment."""
    settings = flatten(config.model_dump(mode="json", exclude=_NOT_DATA))
    run.log_parameters(settings | ({"topics.vectors.sha256": digest} if (digest := vectors_digest(config)) else {}))
    run.log_dataset(dataset_rows(corpus), name="corpus", digest=corpus.digest, context="training")
    run.log_table(item_table(corpus.items), CORPUS_PATH)
    run.log_json(config.model_dump(mode="json"), "inputs/config.json")
    run.log_json(environment(), "inputs/environment.json")
    run.log_json(corpus_counts(corpus.items) | {"digest": corpus.digest}, "inputs/corpus.json")


def vectors_digest(config: Config) -> str:
    """Return the SHA-256 digest of the file of the word vectors that `config` reads; "" if it reads none."""
    return bundled_vectors().digest if config.topics.reads_vectors and config.topics.vectors.share else ""


def corpus_counts(items: Sequence[LabelledItem]) -> dict[str, Any]:
    """Return how many items and stories there are, and how many items of each language, form and label."""
    columns = {
        "language": [[item.lang] for item in items],
        "kind": [[item.kind] for item in items],
        "framing": [[item.framing] for item in items],
        "topics": [list(item.topics) for item in items],
    }
    return {
        "items": len(items),
        "stories": len({item.story for item in items}),
        "outlets": len({item.outlet for item in items}),
        **{name: _counts(values) for name, values in columns.items()},
    }


def full_report(held_out: HeldOut, articles: Sequence[FieldedArticle]) -> Report:
    """Return the report on the out-of-fold answers, with those of the baselines beside it."""
    counts = held_out.result.counts.at(held_out.rows)
    material = Material(held_out.items, articles, counts, held_out.labels, held_out.taxonomy)
    fold = held_out.result.out_of_fold.fold
    baselines = beside(partial(baseline_figures, held_out.config, material, fold, held_out.weights))
    return held_out.report() | {"baselines": baselines()}


def mistakes_page(held_out: HeldOut, articles: Sequence[FieldedArticle]) -> str:
    """Return the page of the mistakes among the out-of-fold answers."""
    title, count = f"Mistakes with {told_changes(held_out.config)}", len(held_out.items)
    return error_page(find_mistakes(held_out, articles), held_out.taxonomy, title=title, items=count)


def headline_metrics(report: Report) -> dict[str, float]:
    """Return the few figures by which runs are told apart at a glance."""
    return {
        "topics.f1_macro": report["topics"]["f1_macro"],
        "topics.f1_micro": report["topics"]["f1_micro"],
        "framing.f1_macro": report["framing"]["f1_macro"],
        "framing.accuracy": report["framing"]["accuracy"],
        "framing.calibration_error": report["calibration"]["framing"]["expected_calibration_error"],
        "selective.coverage": report["selective"]["coverage"],
        "selective.accuracy": report["selective"]["accuracy"],
    }


def all_metrics(report: Report) -> dict[str, float]:
    """Return every figure that is logged as a metric, with dotted names.

    MLflow orders its charts by name: those of all items come first, then what must be beaten (`versus`), then parts
    of the items (`where`), the learning curve (`with_fewer_items`), and bounds (`within`).
    """
    metrics = headline_metrics(report) | dict(_overall(report)) | dict(_label_metrics(report))
    for way, name in _SLICES.items():
        for value, part in report[way].items():
            metrics |= _brief(f"where.{name}.{_allowed(value)}", part)
    for name, figures in report.get("baselines", {}).items():
        metrics |= _brief(f"versus.{name}", figures)
    return metrics | dict(_intervals(report))


def log_report(run: Run, held_out: HeldOut, report: Report) -> None:
    """Log `report` as metrics, pictures and JSON."""
    taxonomy = held_out.taxonomy
    run.log_metrics(all_metrics(report))
    run.log_json(report, "report.json")
    run.log_figure(baseline_bars(report), "pictures/baselines.png")
    run.log_figure(framing_confusion(report), "pictures/confusion_framing.png")
    run.log_figure(topic_confusion(report, taxonomy), "pictures/confusion_topics.png")
    run.log_figure(coverage_risk_curve(report), "pictures/coverage_risk.png")
    scored = Scored.of(held_out.items, held_out.predictions, taxonomy, held_out.weights)
    run.log_figure(precision_recall_curves(scored, taxonomy), "pictures/precision_recall.png")
    run.log_figure(reliability(report), "pictures/reliability.png")


def log_predictions(run: Run, held_out: HeldOut) -> None:
    """Log the out-of-fold predictions as a table, and tag the run with digests of its folds and labels."""
    table = held_out.table()
    run.log_table(table, PREDICTIONS_PATH)
    run.log_browsable_table(table.drop(columns=["story", "voice"]).round(3), "predictions/out_of_fold.json")
    run.set_tags({"framing.folds_sha256": folds_digest(table), "framing.labels_sha256": labels_digest(table)})


def log_learning_curve(run: Run, points: Sequence[Point]) -> None:
    """Log the figures of each of `points` as a step of a metric, which MLflow draws as a line, and as a picture."""
    for point in points:
        run.log_metrics(_brief("with_fewer_items", point.held_out), step=point.items)
    run.log_figure(curve_by_items(points), "pictures/learning_curve.png")
    reports = [{"share": point.share, "items": point.items, "report": point.held_out} for point in points]
    run.log_json(reports, "learning_curve.json")


def log_explanations(run: Run, held_out: HeldOut, report: Report, mistakes: str, words: pd.DataFrame) -> None:
    """Log what people read: the page of `mistakes`, telling `words` and the model card, in brief as description."""
    name = told_changes(held_out.config)
    run.log_text(mistakes, "error_page.html")
    run.log_browsable_table(words.round(3), "telling_words.json")
    counts = {name: _said(value) for name, value in corpus_counts(held_out.items).items()}
    about = {"run": run.id, "settings": name, "taxonomy": held_out.taxonomy.version}
    run.log_text(model_card(report, held_out.taxonomy, words, about=about, corpus=counts), "model_card.md")
    run.describe("\n".join(figures_table(report)))


def dataset_rows(corpus: Corpus) -> list[dict[str, object]]:
    """Return the items as plain rows, for the tracking store to profile."""
    columns = ("id", "lang", "title", "text", "framing", "story", "outlet")
    return [{name: getattr(item, name) for name in columns} | {"topics": list(item.topics)} for item in corpus.items]


def _section_rank(setting: str) -> int:
    section = setting.partition(".")[0]
    return _SECTIONS.index(section) if section in _SECTIONS else len(_SECTIONS)


def _overall(report: Report) -> Iterator[tuple[str, float]]:
    for task in ("topics", "framing"):
        yield f"{task}.average_precision_macro", report[task]["average_precision_macro"]
    for name in ("log_loss", "brier"):
        yield f"framing.{name}", report["calibration"]["framing"][name]
    for topic, figures in report["calibration"]["topics"].items():
        yield f"where.topic.{topic}.calibration_error", figures["expected_calibration_error"]
    yield "selective.accuracy_at_70_percent", report["selective"]["accuracy_at_coverage"]["70%"]
    yield "selective.area_under_risk", report["selective"]["area_under_risk"]


def _intervals(report: Report) -> Iterator[tuple[str, float]]:
    for task in ("topics", "framing"):
        for name, (low, high) in report[task]["intervals"].items():
            yield f"within.{task}_{name}.low", low
            yield f"within.{task}_{name}.high", high


def _label_metrics(report: Report) -> Iterator[tuple[str, float]]:
    for task, kind in (("topics", "topic"), ("framing", "framing")):
        for label, scores in report[task]["labels"].items():
            for name in ("precision", "recall", "f1", "average_precision"):
                yield f"where.{kind}.{label}.{name}", scores[name]


def _brief(prefix: str, figures: Mapping[str, Any]) -> dict[str, float]:
    return {f"{prefix}.{task}_{name}": figures[task][name] for task, name in _MEASURES}


def _allowed(name: str) -> str:
    """Return `name` with what a metric's name cannot have, or what would part it, replaced."""
    return re.sub(r"[^\w -]+", "_", name).strip("_") or "none"


def _counts(values: Sequence[Sequence[str]]) -> dict[str, int]:
    flat = [value for row in values for value in row]
    return {value: flat.count(value) for value in sorted(set(flat))}


def _said(value: Any) -> str:
    return (
        ", ".join(f"{name or '(none)'} {count}" for name, count in value.items())
        if isinstance(value, dict)
        else str(value)
    )
