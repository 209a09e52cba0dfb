"""A training run from configuration to registered model."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from framing.article import Article
from framing.bundle import check_golden, load_bundle, save_bundle
from framing.errors import BundleError
from framing.fields import FieldedArticle, read_fields
from framing.reference import BinCounts
from framing.taxonomy import Taxonomy, default_taxonomy
from training.config import Config, flatten
from training.data import Corpus, LabelledItem, configured_corpus
from training.evaluate import Report, build_report
from training.fit import FitResult, Labels, fit, framing_weights
from training.item_table import CORPUS_PATH, item_table
from training.metrics import Predictions
from training.nested import fold_settings, nested_predictions
from training.pictures import framing_confusion, topic_confusion
from training.prediction_table import PREDICTIONS_PATH, folds_digest, labels_digest, prediction_table
from training.reference import training_reference
from training.registry import CHAMPION
from training.tracking import Run, Tracking

MAX_BUNDLE_BYTES = 15 << 20
GOLDEN_ITEMS = 20

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What a training run left: the run, the registered version, whether it became champion, its report."""

    run_id: str
    version: str
    champion: bool
    report: Report


def train(
    config: Config,
    tracking: Tracking,
    *,
    corpus: Corpus | None = None,
    promote: bool = False,
    progress: Progress,
) -> TrainingOutcome:
    """Fit, evaluate, log and register the model that `config` describes, on `corpus` or on what `config.data` names.

    It becomes `challenger`; and `champion` too if `promote` or if there is none.
    """
    taxonomy = default_taxonomy()
    corpus = corpus or configured_corpus(config.data, taxonomy)
    progress(f"{len(corpus.items)} items from {corpus.source}")
    with tracking.run("fit", {"framing.kind": "fit"}) as run:
        run.log_parameters(flatten(config.model_dump(mode="json", exclude={"data", "registry", "gate", "retrain"})))
        run.log_dataset(dataset_rows(corpus), name="corpus", digest=corpus.digest, context="training")
        run.log_table(item_table(corpus.items), CORPUS_PATH)
        articles = read_all(corpus.items)
        result = fit(config, corpus.items, articles, taxonomy, progress=progress)
        report = held_out_report(config, corpus.items, result, taxonomy)
        log_report(run, report, taxonomy)
        log_predictions(run, config, corpus.items, result, taxonomy)
        model_uri = _log_bundle(run, config, corpus, result)
    registry = tracking.registry
    tags = {name: f"{value:.4f}" for name, value in headline_metrics(report).items()}
    version = registry.register(model_uri, {"run_id": run.id, **tags})
    registry.challenge(version)
    before = registry.version_of(CHAMPION)
    champion = promote or before is None
    if champion:
        registry.move_champion(version, expected=before)
    return TrainingOutcome(run.id, version, champion, report)


def read_all(items: Sequence[LabelledItem]) -> list[FieldedArticle]:
    """Return the items as the classifiers read them."""
    return [read_fields(item.article) for item in items]


def held_out_report(config: Config, items: Sequence[LabelledItem], result: FitResult, taxonomy: Taxonomy) -> Report:
    """Return the report on the out-of-fold predictions, at the configured prior of the framings."""
    weights = framing_weights(Labels.of(items, taxonomy).framing, config.framing.prior, taxonomy)
    return build_report(items, out_of_fold_predictions(config, items, result, taxonomy), taxonomy, weights)


def out_of_fold_predictions(
    config: Config, items: Sequence[LabelledItem], result: FitResult, taxonomy: Taxonomy
) -> Predictions:
    """Return the out-of-fold answers, calibrated and decided without the fold they are in."""
    settings = list(fold_settings(config, result.out_of_fold, Labels.of(items, taxonomy), taxonomy))
    return nested_predictions(result.out_of_fold, settings, taxonomy)


def held_out_reference(config: Config, items: Sequence[LabelledItem], result: FitResult) -> BinCounts:
    """Return what a server tells drift by: how the items and the out-of-fold answers about them are spread."""
    taxonomy = result.model.taxonomy
    weights = framing_weights(Labels.of(items, taxonomy).framing, config.framing.prior, taxonomy)
    predictions = out_of_fold_predictions(config, items, result, taxonomy)
    return training_reference(items, predictions, weights, result.model)


def log_predictions(
    run: Run, config: Config, items: Sequence[LabelledItem], result: FitResult, taxonomy: Taxonomy
) -> None:
    """Log the out-of-fold predictions as a table, and tag the run with digests of its folds and labels."""
    weights = framing_weights(Labels.of(items, taxonomy).framing, config.framing.prior, taxonomy)
    predictions = out_of_fold_predictions(config, items, result, taxonomy)
    table = prediction_table(items, result.out_of_fold.fold, predictions, weights, taxonomy)
    run.log_table(table, PREDICTIONS_PATH)
    run.set_tags({"framing.folds_sha256": folds_digest(table), "framing.labels_sha256": labels_digest(table)})


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


def log_report(run: Run, report: Report, taxonomy: Taxonomy) -> None:
    """Log `report` as metrics, pictures and JSON."""
    metrics = headline_metrics(report)
    for task in ("topics", "framing"):
        for label, scores in report[task]["labels"].items():
            metrics |= {f"{task}.label.{label}.{name}": scores[name] for name in ("precision", "recall", "f1")}
    for language, part in report["by_language"].items():
        metrics[f"language.{language}.topics_f1_micro"] = part["topics"]["f1_micro"]
        metrics[f"language.{language}.framing_f1_macro"] = part["framing"]["f1_macro"]
    run.log_metrics(metrics)
    run.log_json(report, "report.json")
    run.log_figure(framing_confusion(report), "confusion/framing.png")
    run.log_figure(topic_confusion(report, taxonomy), "confusion/topics.png")


def _log_bundle(run: Run, config: Config, corpus: Corpus, result: FitResult) -> str:
    info = {
        "run_id": run.id,
        "reference": held_out_reference(config, corpus.items, result),
        "corpus_sha256": corpus.digest,
        "config": config.model_dump(mode="json", exclude={"data", "gate", "retrain"}),
    }
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle"
        save_bundle(result.model, bundle, golden_articles(corpus.items), info=info)
        check_golden(load_bundle(bundle), bundle)
        size = sum(file.stat().st_size for file in bundle.iterdir())
        if size > MAX_BUNDLE_BYTES:
            raise BundleError(
                f"expected a bundle of at most {MAX_BUNDLE_BYTES} bytes, got {size}: lower features.most_ngrams"
            )
        run.log_metrics({"bundle.bytes": float(size)})
        return run.log_bundle(bundle)


def golden_articles(items: Sequence[LabelledItem]) -> list[Article]:
    """Return articles for golden predictions: every language with every framing, the first of each."""
    chosen: dict[tuple[str, str], LabelledItem] = {}
    for item in items:
        chosen.setdefault((item.lang, item.framing), item)
    return [item.article for item in list(chosen.values())[:GOLDEN_ITEMS]]


def dataset_rows(corpus: Corpus) -> list[dict[str, object]]:
    """Return the items as plain rows, for the tracking store to profile."""
    columns = ("id", "lang", "title", "text", "framing", "story", "outlet")
    return [{name: getattr(item, name) for name in columns} | {"topics": list(item.topics)} for item in corpus.items]
