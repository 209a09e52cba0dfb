"""How well a model reads outlets, or a language, that nothing of it was fitted, calibrated or decided on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from framing.errors import DataError
from framing.fields import FieldedArticle
from framing.model import probabilities
from framing.taxonomy import Taxonomy, default_taxonomy
from training.classifiers import Known, fit_pipelines, pipeline_scores
from training.comparison import CONFIDENCE, same_items
from training.config import Config
from training.data import LabelledItem
from training.duplicates import article_words, duplicate_clusters
from training.evaluate import Report, build_report
from training.figures import Scored, slice_figures
from training.fit import OutOfFold, story_folds
from training.folds import Rows, disjoint_folds, gathered, merged_groups, value_folds
from training.labels import Labels, framing_weights
from training.metrics import Matrix, Predictions
from training.nested import fold_settings, nested_predictions
from training.pipelines import count_articles
from training.prediction_table import prediction_table
from training.run import read_all
from training.slices import NONE
from training.threads import in_threads
from training.trials import FIGURES

Kind = Literal["outlet", "language"]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Group:
    """What is left out together, and the rows to fit on and to test on meanwhile."""

    name: str
    train: Rows
    test: Rows

    def __post_init__(self) -> None:
        if not len(self.train):
            raise DataError(f"{self.name} left out: expected items to fit on, all others belong to its own")


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to `items` (those that are measured on), the group each is in, and what each weighs."""

    items: Sequence[LabelledItem]
    group: Rows
    predictions: Predictions
    weights: Matrix
    taxonomy: Taxonomy

    def report(self) -> Report:
        """Return the report on the answers, the same as that of a fit."""
        return build_report(self.items, self.predictions, self.taxonomy, self.weights)

    def by_group(self, groups: Sequence[Group]) -> dict[str, Any]:
        """Return the brief figures of each of `groups` that has an item, by name."""
        scored = Scored.of(self.items, self.predictions, self.taxonomy, self.weights)
        return slice_figures(scored, [groups[number].name for number in self.group])

    def table(self) -> pd.DataFrame:
        """Return the answers as a table of one fold, to be compared with those of other folds."""
        one = np.zeros_like(self.group)
        return prediction_table(self.items, one, self.predictions, self.weights, self.taxonomy)


def leave_out(
    kind: Kind,
    config: Config,
    items: Sequence[LabelledItem],
    *,
    stories: bool = False,
    progress: Progress = lambda _: None,
) -> Report:
    """Return the report on `items` when their outlets or their language are left out of all that is fitted.

    `report` is on all answers, `groups` has the sizes and figures of each group, `mean` the plain mean over groups,
    `worst` the group with the lowest figure. With `stories`, `stories` has the report on the folds of a fit, and how
    far the answers fall below those (`difference`, with 95 % intervals of the paired bootstrap over stories).
    """
    taxonomy, groups = default_taxonomy(), left_out_groups(kind, config, items)
    articles = read_all(items)
    measure = _measurer(config, items, articles, taxonomy, progress)
    answers = measure(groups)
    figures = answers.by_group(groups)
    report = {
        "kind": kind,
        "report": answers.report(),
        "groups": {group.name: _sizes(group, items) | figures.get(group.name, {}) for group in groups},
        **_mean_and_worst(figures),
    }
    if stories:
        folds = story_folds(config, items, Labels.of(items, taxonomy), articles)
        report["stories"] = _beside(
            answers, measure([Group(f"fold {n}", *fold) for n, fold in enumerate(folds, start=1)])
        )
    return report


def left_out_groups(kind: Kind, config: Config, items: Sequence[LabelledItem]) -> list[Group]:
    """Return what to leave out in turn, so that each item is tested once: a language, or a part of the outlets.

    The outlets are in `folds.count` parts with even languages and framings. Not fitted on are, besides, stories and
    near-duplicates of what is tested, and what shares a value of `data.groups`. Raises DataError for too few
    outlets or languages, or if nothing is left to fit on.
    """
    clusters = duplicate_clusters(article_words(item.article) for item in items)
    columns = zip(*(item.groups for item in items), strict=True)
    apart = merged_groups([[item.story for item in items], clusters, *columns])
    values = [item.lang or NONE for item in items] if kind == "language" else [item.outlet for item in items]
    names, least = sorted({*values} - {""}), 2 if kind == "language" else config.folds.count
    if len(names) < least:
        raise DataError(f"expected items of at least {least} {kind}s, to leave some out, got {len(names)}")
    if kind == "language":
        return [Group(name, *fold) for name, fold in zip(names, value_folds(values, apart=apart), strict=True)]
    strata = [f"{item.lang} {item.framing}" for item in items]
    folds = disjoint_folds(merged_groups([values]), least, strata=strata, apart=apart, seed=config.seed)
    return [Group(f"part {number}", *fold) for number, fold in enumerate(folds, start=1)]


def _measurer(
    config: Config,
    items: Sequence[LabelledItem],
    articles: Sequence[FieldedArticle],
    taxonomy: Taxonomy,
    progress: Progress,
) -> Callable[[Sequence[Group]], Answers]:
    """Return what answers the items of each group by a model of the others; articles are counted once."""
    labels = Labels.of(items, taxonomy)
    counts, weights = count_articles(config.features, articles), labels.weights(config.framing)
    known = Known(items, articles, counts, labels.topics, labels.framing, weights)

    def scores_of(group: Group) -> Matrix:
        progress(f"without {group.name}: {len(group.train)} items to fit, {len(group.test)} to test")
        return pipeline_scores(fit_pipelines(config, known.at(group.train), taxonomy), counts.at(group.test))

    def measure(groups: Sequence[Group]) -> Answers:
        scores, numbers = gathered([(group.train, group.test) for group in groups], in_threads(scores_of, groups))
        return _answers(
            config, items, OutOfFold(scores, *probabilities(scores, len(taxonomy.topics)), numbers), taxonomy
        )

    return measure


def _answers(config: Config, items: Sequence[LabelledItem], scored: OutOfFold, taxonomy: Taxonomy) -> Answers:
    """Return the answers under the calibration and thresholds that the other groups call for."""
    labels = Labels.of(items, taxonomy)
    predictions = nested_predictions(scored, list(fold_settings(config, scored, labels, taxonomy)), taxonomy)
    rows = labels.measured(config.framing)
    weights = framing_weights(labels.at(rows), config.framing, taxonomy)
    return Answers([items[row] for row in rows.tolist()], scored.fold[rows], predictions.at(rows), weights, taxonomy)


def _sizes(group: Group, items: Sequence[LabelledItem]) -> dict[str, int]:
    train, test = len(group.train), len(group.test)
    outlets = len({items[row].outlet for row in group.test.tolist()})
    return {"train": train, "test": test, "left_out": len(items) - train - test, "outlets": outlets}


def _mean_and_worst(figures: Mapping[str, Any]) -> dict[str, Any]:
    mean, worst = {}, {}
    for figure in FIGURES:
        task, name = figure.split(".")
        values = {group: part[task][name] for group, part in figures.items()}
        mean[figure] = float(np.mean(list(values.values())))
        lowest = min(values, key=values.__getitem__)
        worst[figure] = {"group": lowest, "value": values[lowest]}
    return {"mean": mean, "worst": worst}


def _beside(answers: Answers, by_story: Answers) -> dict[str, Any]:
    pair = same_items(by_story.table(), answers.table(), answers.taxonomy)
    difference = {figure: asdict(pair.difference(figure, confidence=CONFIDENCE)) for figure in FIGURES}
    return {"report": by_story.report(), "difference": difference}
