"""A training run from configuration to registered model."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from framing.article import Article
from framing.bundle import check_golden, load_bundle, save_bundle
from framing.errors import BundleError
from framing.fields import FieldedArticle, read_fields
from framing.reference import BinCounts
from framing.taxonomy import default_taxonomy
from training.beside import beside
from training.config import Config
from training.data import Corpus, LabelledItem, configured_corpus
from training.evaluate import Report
from training.fit import fit
from training.held_out import HeldOut
from training.learning_curve import SHARES, Point, learning_curve
from training.reference import held_out_reference
from training.registry import CHAMPION
from training.run_log import (
    full_report,
    headline_metrics,
    log_explanations,
    log_inputs,
    log_learning_curve,
    log_predictions,
    log_report,
    mistakes_page,
    run_name,
    run_tags,
    vectors_digest,
)
from training.telling_words import telling_words
from training.threads import one_blas_thread
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
    with one_blas_thread(), tracking.run(run_name(config, corpus), run_tags(config, corpus)) as run:
        log_inputs(run, config, corpus)
        articles = read_all(corpus.items)
        result = fit(config, corpus.items, articles, taxonomy, progress=progress)
        progress("reports")
        held_out = HeldOut.of(config, corpus.items, result, taxonomy)
        seen = [articles[row] for row in held_out.rows.tolist()]
        mistakes = beside(partial(mistakes_page, held_out, seen))
        reference = beside(partial(held_out_reference, held_out, seen))
        words = beside(partial(telling_words, result.model.weights, held_out.items, seen, taxonomy))
        log_predictions(run, held_out)
        model_uri, size = _log_bundle(run, corpus, held_out, reference())
        report = full_report(held_out, seen)
        log_report(run, held_out, report)
        run.log_metrics({"size.bundle_bytes": size})  # MLflow's comparison shows first what is logged first
        log_explanations(run, held_out, report, mistakes(), words())
        if config.reports.learning_curve:
            shares = learning_curve(config, corpus.items, articles, shares=SHARES[:-1], progress=progress)
            log_learning_curve(run, [*shares, Point(SHARES[-1], len(corpus.items), report, result.model)])
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


def _log_bundle(run: Run, corpus: Corpus, held_out: HeldOut, reference: BinCounts) -> tuple[str, float]:
    """Return the address of the bundle that was logged, and its size in bytes."""
    result = held_out.result
    info = {
        "run_id": run.id,
        "reference": reference,
        "corpus_sha256": corpus.digest,
        "word_vectors_sha256": vectors_digest(held_out.config),
        "config": held_out.config.model_dump(mode="json", exclude={"data", "gate", "retrain", "reports"}),
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
        return run.log_bundle(bundle), float(size)


def golden_articles(items: Sequence[LabelledItem]) -> list[Article]:
    """Return articles for golden predictions: every language with every framing, the first of each."""
    chosen: dict[tuple[str, str], LabelledItem] = {}
    for item in items:
        chosen.setdefault((item.lang, item.framing), item)
    return [item.article for item in list(chosen.values())[:GOLDEN_ITEMS]]
