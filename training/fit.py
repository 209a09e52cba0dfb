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
from training.classifiers import Known, fit_pipelines, framing_scores, pipeline_scores
from training.config import Config
from training.data import LabelledItem
from training.duplicates import duplicate_clusters
from training.folds import Fold, Rows, article_folds, gathered, merged_groups
from training.labels import Labels, framing_weights, topic_weights
from training.metrics import ratio
from training.ngram_counts import NgramCounts
from training.pipelines import FittedPipelines, Matrix, count_articles
from training.threads import threads


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions for every item by a model that saw neither it nor its story nor a near-duplicate.

    `topics` (n, T) and `framings` (n, K) are probabilities, calibrated on the other folds; `fold` (n,). `strangers`
    (n, K), if any, are scores of the framings by models that saw no prose of the item's kind.
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
    """A fitted model, the pipelines it was compiled from, those of each fold, and their out-of-fold predictions.

    `calibrations` are those that the other folds call for, one for each fold; `counts` are those of the articles that
    it was fitted on.
    """

    model: FramingModel
    pipelines: FittedPipelines
    folds: tuple[FittedPipelines, ...]
    calibrations: tuple[Calibration, ...]
    out_of_fold: OutOfFold
    counts: NgramCounts


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
    fits = _Fits(config, Known(items, articles, counts, labels.topics, labels.framing, weights), taxonomy, progress)
    every = np.arange(len(items))
    others = prose_folds(labels, weights) if config.framing.across_prose else []
    with threads() as pool:  # what needs no folds is fitted while near-duplicates are sought
        whole = pool.submit(fits.fit, f"all {len(items)} items", every, every[:0])
        strange = [pool.submit(fits.score_framings, *fold) for fold in others]
        folds = list(cluster_folds(config, items, labels, clusters()))
        jobs = [pool.submit(fits.fit, _told(number, folds), *fold) for number, fold in enumerate(folds)]
        (pipelines, _), parts = whole.result(), [job.result() for job in jobs]
        across = gathered(others, [job.result() for job in strange])[0] if others else None
    scores, fold = gathered(folds, [given for _, given in parts])
    scored = OutOfFold(scores, *probabilities(scores, labels.topics.shape[1]), fold, across)
    whole_calibration = beside(partial(calibrate, config, scores, labels, taxonomy, across))
    calibrations = fold_calibrations(config, scored, labels, taxonomy)
    out_of_fold = _cross_calibrated(scored, calibrations, taxonomy)
    decisions = decide(config, out_of_fold, labels, taxonomy)
    model = FramingModel(taxonomy, compile_weights(pipelines, whole_calibration()), decisions)
    return FitResult(model, pipelines, tuple(fitted for fitted, _ in parts), calibrations, out_of_fold, counts)


@dataclass(frozen=True, slots=True)
class _Fits:
    """Fits on some of what is known, of which others are scored."""

    config: Config
    known: Known
    taxonomy: Taxonomy
    progress: Callable[[str], None]

    def fit(self, told: str, train: Rows, test: Rows) -> tuple[FittedPipelines, Matrix]:
        self.progress(told)
        pipelines = fit_pipelines(self.config, self.known.at(train), self.taxonomy)
        return pipelines, pipeline_scores(pipelines, self.known.counts.at(test))

    def score_framings(self, train: Rows, test: Rows) -> Matrix:
        self.progress(f"{len(train)} items of other prose to fit, {len(test)} to predict")
        return framing_scores(self.config, self.known.at(train), self.known.counts.at(test), self.taxonomy)


def _told(number: int, folds: Sequence[Fold]) -> str:
    train, test = folds[number]
    return f"fold {number + 1} of {len(folds)}: {len(train)} items to fit, {len(test)} to predict"


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
    return duplicate_clusters([word for one in article.sentences for word in one.words] for article in articles)


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

    None if in the other items there is a framing that nothing of a weight above 0 teaches.
    """
    parts = [labels.prose == prose for prose in np.unique(labels.prose)]
    folds = [(np.flatnonzero(~part), np.flatnonzero(part)) for part in parts]
    framings = np.unique(labels.framing)
    whole = all(np.array_equal(np.unique(labels.framing[train[weights[train] > 0]]), framings) for train, _ in folds)
    return folds if whole else []


def fold_calibrations(config: Config, scored: OutOfFold, labels: Labels, taxonomy: Taxonomy) -> tuple[Calibration, ...]:
    """Return for each fold the calibration that all the other folds call for."""
    jobs = []
    for number in range(int(scored.fold.max()) + 1):
        others = np.flatnonzero(scored.fold != number)
        part = scored.at(others)
        jobs.append(beside(partial(calibrate, config, part.scores, labels.at(others), taxonomy, part.strangers)))
    return tuple(job() for job in jobs)


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


def _cross_calibrated(scored: OutOfFold, calibrations: Sequence[Calibration], taxonomy: Taxonomy) -> OutOfFold:
    calibrated = np.zeros_like(scored.scores)
    for number, calibration in enumerate(calibrations):
        inside = np.flatnonzero(scored.fold == number)
        calibrated[inside] = calibration(scored.scores[inside])
    topics, framings = probabilities(calibrated, len(taxonomy.topics))
    return replace(scored, topics=topics, framings=framings)


def _confidence(config: Config, confidence: Matrix, right: npt.NDArray[np.bool_], weights: Matrix) -> float:
    """Return the least confidence at which the share of right answers is as configured."""
    order = np.argsort(-confidence, kind="stable")
    covered = np.cumsum(weights[order]) / weights.sum()
    accuracy = ratio(np.cumsum((right * weights)[order]), np.cumsum(weights[order]))
    allowed = np.flatnonzero(
        (accuracy >= config.decision.framing_accuracy) | (covered <= 1 - config.decision.most_withheld + 1e-9)
    )
    return float(confidence[order[allowed[-1]]]) if len(allowed) else 0.0
