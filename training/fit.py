"""Fit both classifiers, calibrate them on out-of-fold scores, set thresholds, compile the model."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from framing.fields import FIELDS, SHAPE, FieldedArticle
from framing.model import Decisions, FramingModel, probabilities
from framing.scorer import LinearWeights
from framing.taxonomy import Taxonomy
from training.beside import beside
from training.calibration import Calibration, calibrate
from training.classifiers import Known, fit_pipelines, pipeline_scores
from training.config import Config
from training.data import LabelledItem
from training.duplicates import duplicate_clusters, prepared_words
from training.folds import Fold, Rows, article_folds, gathered, merged_groups
from training.labels import Labels, framing_weights, topic_weights
from training.pipelines import FittedPipelines, Matrix, count_articles
from training.threads import in_threads

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions for every item by a model that saw neither it nor its story nor a near-duplicate.

    `topics` (n, T) and `framings` (n, K) are probabilities, calibrated on the other folds; `fold` (n,). `strangers`
    (n, L), if any, are scores by models that saw no prose of the item's kind.
    """

    scores: Matrix
    topics: Matrix
    framings: Matrix
    fold: npt.NDArray[np.int64]
    strangers: Matrix | None = None

    def at(self, rows: npt.NDArray[np.int64]) -> "OutOfFold":
        """Return the predictions for some of the items."""
        strangers = None if self.strangers is None else self.strangers[rows]
        return OutOfFold(self.scores[rows], self.topics[rows], self.framings[rows], self.fold[rows], strangers)


@dataclass(frozen=True, slots=True)
class FitResult:
    """A fitted model, the pipelines it was compiled from, those of each fold, and their out-of-fold predictions."""

    model: FramingModel
    pipelines: FittedPipelines
    folds: tuple[FittedPipelines, ...]
    out_of_fold: OutOfFold


def fit(
    config: Config,
    items: Sequence[LabelledItem],
    articles: Sequence[FieldedArticle],
    taxonomy: Taxonomy,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> FitResult:
    """Return the model that `config` describes, fitted on `items`, whose fielded forms are `articles`."""
    labels = Labels.of(items, taxonomy)
    clusters = beside(partial(near_duplicates, articles))
    counts, weights = count_articles(config.features, articles), labels.weights(config.framing)
    known = Known(items, articles, counts, labels.topics, labels.framing, weights)
    folds = list(cluster_folds(config, items, labels, clusters()))
    every = np.arange(len(items))
    jobs = [(f"all {len(items)} items", every, every[:0])]
    for number, (train, test) in enumerate(folds):
        told = f"fold {number + 1} of {config.folds.count}: {len(train)} items to fit, {len(test)} to predict"
        jobs.append((told, train, test))
    strangers = prose_folds(labels, weights) if config.framing.across_prose else []
    jobs += [
        (f"{len(train)} items of other prose to fit, {len(test)} to predict", train, test) for train, test in strangers
    ]

    def run(job: tuple[str, Rows, Rows]) -> tuple[FittedPipelines, Matrix]:
        progress(job[0])
        pipelines = fit_pipelines(config, known.at(job[1]), taxonomy)
        return pipelines, pipeline_scores(pipelines, known.counts.at(job[2]))

    (pipelines, _), *parts = in_threads(run, jobs)
    of_folds, of_strangers = parts[: len(folds)], parts[len(folds) :]
    scores, fold = gathered(folds, [given for _, given in of_folds])
    across = gathered(strangers, [given for _, given in of_strangers])[0] if strangers else None
    scored = OutOfFold(scores, *probabilities(scores, labels.topics.shape[1]), fold, across)
    out_of_fold = _cross_calibrated(config, scored, labels, taxonomy)
    calibration = calibrate(config, scores, labels, taxonomy, across)
    decisions = decide(config, out_of_fold, labels, taxonomy)
    model = FramingModel(taxonomy, compile_weights(pipelines, calibration), decisions)
    return FitResult(model, pipelines, tuple(fitted for fitted, _ in of_folds), out_of_fold)


def story_folds(
    config: Config, items: Sequence[LabelledItem], labels: Labels, articles: Sequence[FieldedArticle]
) -> Iterator[Fold]:
    """Yield (train, test) rows; no story, no near-duplicate and none of the items' groups stands on both sides.

    Without groups no subject does, if items have one: stock events come back in many stories, and folds that part
    only these promise too much of the next event. Languages and framings are spread evenly.
    """
    yield from cluster_folds(config, items, labels, near_duplicates(articles))


def near_duplicates(articles: Sequence[FieldedArticle]) -> list[int]:
    """Return the number of the cluster of near-duplicates that each of `articles` is in."""
    return duplicate_clusters(prepared_words(article.title, article.text) for article in articles)


def cluster_folds(
    config: Config, items: Sequence[LabelledItem], labels: Labels, clusters: Sequence[int]
) -> Iterator[Fold]:
    """Yield what `story_folds` does, given what `near_duplicates` found."""
    strata = [f"{item.lang} {framing}" for item, framing in zip(items, labels.framing, strict=True)]
    reports = merged_groups([[item.story for item in items], clusters])
    columns = list(zip(*(item.groups for item in items), strict=True))
    subjects = [item.subject.casefold() for item in items]
    if not columns and any(subjects):
        columns = [tuple(subjects)]
    yield from article_folds(columns, reports, config.folds.count, strata=strata, seed=config.seed)


def prose_folds(labels: Labels, weights: Matrix) -> list[Fold]:
    """Return (train, test) rows that part the items by their prose.

    None if in the other items there is a label that nothing of a weight above 0 teaches.
    """
    parts = [labels.prose == prose for prose in np.unique(labels.prose)]
    folds = [(np.flatnonzero(~part), np.flatnonzero(part)) for part in parts]
    whole = all(_has_every_label(labels.at(train[weights[train] > 0]), labels) for train, _ in folds)
    return folds if whole else []


def decide(config: Config, predictions: OutOfFold, labels: Labels, taxonomy: Taxonomy) -> Decisions:
    """Return the thresholds that the out-of-fold `predictions` call for."""
    topics = {}
    for column, topic in enumerate(taxonomy.topic_ids):
        weights = topic_weights(labels.topics[:, column], config.topics.prior.get(topic))
        topics[topic] = best_threshold(predictions.topics[:, column], labels.topics[:, column], weights)
    weights = framing_weights(labels, config.framing, taxonomy)
    confidence = predictions.framings.max(axis=1)
    right = predictions.framings.argmax(axis=1) == labels.framing
    return Decisions(topics=topics, framing_confidence=_confidence(config, confidence, right, weights))


def best_threshold(probabilities: Matrix, present: npt.NDArray[np.int64], weights: Matrix) -> float:
    """Return the threshold on calibrated `probabilities` that gives the highest weighted F1: half of that F1.

    Lipton, Elkan and Naryanaswamy (2014, section 4). Where the F1 is highest on the items at hand is the same on
    average, but its top is flat: between resamples of the corpus that place moves by 0.04.
    """
    order = np.argsort(-probabilities, kind="stable")
    hits = np.cumsum((present * weights)[order])
    f1 = 2 * hits / (np.cumsum(weights[order]) + (present * weights).sum())
    return float(f1.max() / 2)


def compile_weights(pipelines: FittedPipelines, calibration: Calibration) -> LinearWeights:
    """Return fitted pipelines and their calibration as the arrays that score alike."""
    effective, intercepts = [], []
    for pipeline in (pipelines.topics, pipelines.framing):
        factors = pipelines.ngrams.factors() * pipeline.named_steps["fields"].factors_
        classifier = pipeline.named_steps["classifier"]
        effective.append(classifier.coef_ * factors)
        intercepts.append(classifier.intercept_)
    columns = np.vstack(effective).T
    terms = len(pipelines.ngrams.vocabulary_)
    ngrams = columns[: len(FIELDS) * terms].reshape(len(FIELDS), terms, -1).transpose(1, 0, 2)
    return LinearWeights(
        vocabulary=tuple(pipelines.ngrams.vocabulary_),
        ngrams=np.ascontiguousarray(ngrams, dtype=np.float32),
        shape=columns[-len(SHAPE) :],
        intercept=np.concatenate(intercepts),
        scale=calibration.scale,
        shift=calibration.shift,
        exponent=pipelines.ngrams.exponent,
        sizes=pipelines.ngrams.sizes,
        bigrams=pipelines.ngrams.bigrams,
    )


def _cross_calibrated(config: Config, scored: OutOfFold, labels: Labels, taxonomy: Taxonomy) -> OutOfFold:
    calibrated = np.zeros_like(scored.scores)
    for number in range(config.folds.count):
        inside, outside = np.flatnonzero(scored.fold == number), np.flatnonzero(scored.fold != number)
        others = scored.at(outside)
        calibration = calibrate(config, others.scores, labels.at(outside), taxonomy, others.strangers)
        calibrated[inside] = calibration(scored.scores[inside])
    topics, framings = probabilities(calibrated, labels.topics.shape[1])
    return replace(scored, topics=topics, framings=framings)


def _has_every_label(labels: Labels, of_all: Labels) -> bool:
    same = np.array_equal(np.unique(labels.framing), np.unique(of_all.framing))
    return same and bool((labels.topics.any(axis=0) == of_all.topics.any(axis=0)).all())


def _confidence(config: Config, confidence: Matrix, right: npt.NDArray[np.bool_], weights: Matrix) -> float:
    """Return the least confidence at which the share of right answers is as configured."""
    order = np.argsort(-confidence, kind="stable")
    covered = np.cumsum(weights[order]) / weights.sum()
    accuracy = np.cumsum((right * weights)[order]) / np.maximum(np.cumsum(weights[order]), _TINY)
    allowed = np.flatnonzero(
        (accuracy >= config.decision.framing_accuracy) | (covered <= 1 - config.decision.most_withheld + 1e-9)
    )
    return float(confidence[order[allowed[-1]]]) if len(allowed) else 0.0
