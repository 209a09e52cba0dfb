"""Fit both classifiers, calibrate them on out-of-fold scores, set thresholds, compile the model."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from framing.fields import FIELDS, SHAPE, FieldedArticle
from framing.model import Decisions, FramingModel, probabilities
from framing.scorer import LinearWeights
from framing.taxonomy import Taxonomy
from training.classifiers import Known, fit_pipelines, pipeline_scores
from training.config import Classifier, Config
from training.data import LabelledItem
from training.duplicates import duplicate_clusters, prepared_words
from training.folds import Fold, Rows, article_folds, merged_groups
from training.pipelines import FittedPipelines, Matrix, count_articles
from training.threads import in_threads

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of n items as arrays: `topics` (n, T) of 0 and 1, `framing` (n,) of indices; and their `prose` (n,)."""

    topics: npt.NDArray[np.int64]
    framing: npt.NDArray[np.int64]
    prose: npt.NDArray[np.str_]

    @classmethod
    def of(cls, items: Sequence[LabelledItem], taxonomy: Taxonomy) -> "Labels":
        """Return the labels of `items` in the taxonomy's order."""
        topics = [[int(topic in item.topics) for topic in taxonomy.topic_ids] for item in items]
        framing = [taxonomy.framing_ids.index(item.framing) for item in items]
        prose = np.array([item.prose for item in items], dtype=np.str_)
        return cls(np.array(topics).reshape(len(items), len(taxonomy.topics)), np.array(framing, dtype=np.int64), prose)

    def at(self, rows: npt.NDArray[np.int64]) -> "Labels":
        """Return the labels of some of the items."""
        return Labels(self.topics[rows], self.framing[rows], self.prose[rows])

    def weights(self, settings: Classifier) -> Matrix:
        """Return what the items weigh by their prose, (n,), from 0 to 1."""
        return np.array([settings.prose.get(prose, 1.0) for prose in self.prose.tolist()])

    def measured(self, settings: Classifier) -> Rows:
        """Return which items are measured on: those of full weight."""
        return np.flatnonzero(self.weights(settings) == 1)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores to calibrated scores, label by label: ``scale * score + shift``.

    Platt scaling for each topic (Platt 1999); for the framings temperature and bias (Guo et al. 2017,
    section 4.2, vector scaling with one temperature), fitted by weighted log loss.
    """

    scale: Matrix
    shift: Matrix

    def __call__(self, scores: Matrix) -> Matrix:
        """Return calibrated scores (n, L) for `scores` (n, L)."""
        return scores * self.scale + self.shift


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions for every item by a model that saw neither it nor its story nor a near-duplicate.

    `topics` (n, T) and `framings` (n, K) are probabilities, calibrated on the other folds; `fold` (n,).
    """

    scores: Matrix
    topics: Matrix
    framings: Matrix
    fold: npt.NDArray[np.int64]

    def at(self, rows: npt.NDArray[np.int64]) -> "OutOfFold":
        """Return the predictions for some of the items."""
        return OutOfFold(self.scores[rows], self.topics[rows], self.framings[rows], self.fold[rows])


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
    counts, weights = count_articles(config.features, articles), labels.weights(config.framing)
    known = Known(items, articles, counts, labels.topics, labels.framing, weights)
    folds = list(story_folds(config, items, labels, articles))
    every = np.arange(len(items))
    jobs = [(f"all {len(items)} items", every, every[:0])]
    for number, (train, test) in enumerate(folds):
        told = f"fold {number + 1} of {config.folds.count}: {len(train)} items to fit, {len(test)} to predict"
        jobs.append((told, train, test))

    def run(job: tuple[str, Rows, Rows]) -> tuple[FittedPipelines, Matrix]:
        progress(job[0])
        pipelines = fit_pipelines(config, known.at(job[1]), taxonomy)
        return pipelines, pipeline_scores(pipelines, known.counts.at(job[2]))

    (pipelines, _), *of_folds = in_threads(run, jobs)
    scores = np.zeros((len(items), labels.topics.shape[1] + len(taxonomy.framings)))
    fold = np.zeros(len(items), dtype=np.int64)
    for number, ((_, test), (_, given)) in enumerate(zip(folds, of_folds, strict=True)):
        scores[test], fold[test] = given, number
    out_of_fold = _cross_calibrated(config, scores, fold, labels, taxonomy)
    calibration = calibrate(config, scores, labels, taxonomy)
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
    strata = [f"{item.lang} {framing}" for item, framing in zip(items, labels.framing, strict=True)]
    clusters = duplicate_clusters(prepared_words(article.title, article.text) for article in articles)
    reports = merged_groups([[item.story for item in items], clusters])
    columns = list(zip(*(item.groups for item in items), strict=True))
    subjects = [item.subject.casefold() for item in items]
    if not columns and any(subjects):
        columns = [tuple(subjects)]
    yield from article_folds(columns, reports, config.folds.count, strata=strata, seed=config.seed)


def calibrate(config: Config, scores: Matrix, labels: Labels, taxonomy: Taxonomy) -> Calibration:
    """Return the calibration that minimises the log loss of `scores` at the configured priors."""
    count = labels.topics.shape[1]
    scale, shift = np.ones(scores.shape[1]), np.zeros(scores.shape[1])
    for column, topic in enumerate(taxonomy.topic_ids):
        weights = topic_weights(labels.topics[:, column], config.topics.prior.get(topic))
        scale[column], shift[column] = _platt(scores[:, column], labels.topics[:, column], weights)
    weights = framing_weights(labels, config.framing, taxonomy)
    scale[count:], shift[count:] = _temperature_and_bias(scores[:, count:], labels.framing, weights)
    return Calibration(scale, shift)


def topic_weights(present: npt.NDArray[np.int64], prior: float | None) -> Matrix:
    """Return item weights, of mean 1, under which the topic is present in a share of `prior` of the items."""
    if prior is None:
        return np.ones(len(present))
    share = np.clip(present.mean(), _TINY, 1 - _TINY)
    weights: Matrix = np.where(present == 1, prior / share, (1 - prior) / (1 - share))
    return weights


def framing_weights(labels: Labels, settings: Classifier, taxonomy: Taxonomy) -> Matrix:
    """Return item weights, those of their prose, under which the framings have the shares of the prior."""
    given = labels.weights(settings)
    if not settings.prior:
        return given
    shares = np.bincount(labels.framing, given, minlength=len(taxonomy.framings)) / max(_TINY, given.sum())
    wanted = np.array([settings.prior.get(label, 0.0) for label in taxonomy.framing_ids])
    weights: Matrix = (wanted / np.maximum(shares, _TINY))[labels.framing] * given
    weights *= given.sum() / max(_TINY, weights.sum())
    return weights


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


def best_threshold(values: Matrix, present: npt.NDArray[np.int64], weights: Matrix) -> float:
    """Return the threshold on `values` with the highest weighted F1, midway between two values."""
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum((present * weights)[order])
    f1 = 2 * hits / (np.cumsum(weights[order]) + (present * weights).sum())
    best = int(f1.argmax())
    after = values[order[best + 1]] if best + 1 < len(values) else 0.0
    return float((values[order[best]] + after) / 2)


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


def _cross_calibrated(
    config: Config, scores: Matrix, fold: npt.NDArray[np.int64], labels: Labels, taxonomy: Taxonomy
) -> OutOfFold:
    calibrated = np.zeros_like(scores)
    for number in range(config.folds.count):
        inside, outside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        calibrated[inside] = calibrate(config, scores[outside], labels.at(outside), taxonomy)(scores[inside])
    topics, framings = probabilities(calibrated, labels.topics.shape[1])
    return OutOfFold(scores, topics, framings, fold)


def _platt(scores: Matrix, present: npt.NDArray[np.int64], weights: Matrix) -> tuple[float, float]:
    signs = np.where(present == 1, 1.0, -1.0)

    def loss(parameters: Matrix) -> float:
        return float(weights @ np.logaddexp(0, -signs * (parameters[0] * scores + parameters[1])))

    scale, shift = minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-6}).x
    return float(scale), float(shift)


def _temperature_and_bias(scores: Matrix, framing: npt.NDArray[np.int64], weights: Matrix) -> tuple[float, Matrix]:
    rows = np.arange(len(framing))

    def loss(parameters: Matrix) -> tuple[float, Matrix]:
        logits = parameters[0] * scores + parameters[1:]
        _, chances = probabilities(logits, 0)
        residual = chances.copy()
        residual[rows, framing] -= 1
        residual *= weights[:, None]
        value = -float(weights @ np.log(np.maximum(chances[rows, framing], _TINY)))
        return value, np.concatenate([[(residual * scores).sum()], residual.sum(axis=0)])

    start = np.concatenate([[1.0], np.zeros(scores.shape[1])])
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return float(found[0]), found[1:] - found[1:].mean()


def _confidence(config: Config, confidence: Matrix, right: npt.NDArray[np.bool_], weights: Matrix) -> float:
    """Return the least confidence at which the share of right answers is as configured."""
    order = np.argsort(-confidence, kind="stable")
    covered = np.cumsum(weights[order]) / weights.sum()
    accuracy = np.cumsum((right * weights)[order]) / np.cumsum(weights[order])
    allowed = np.flatnonzero(
        (accuracy >= config.decision.framing_accuracy) | (covered <= 1 - config.decision.most_withheld + 1e-9)
    )
    return float(confidence[order[allowed[-1]]]) if len(allowed) else 0.0
