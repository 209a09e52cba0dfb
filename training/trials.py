"""What a setting of the configuration is worth: fitted fold by fold, with the figures that a run of it would have."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from framing.fields import FieldedArticle
from framing.model import probabilities
from framing.taxonomy import Taxonomy
from training.classifiers import Known, fit_pipelines, pipeline_scores
from training.config import Config, load_config
from training.data import LabelledItem
from training.fit import OutOfFold, story_folds
from training.folds import Fold, Rows, gathered
from training.labels import Labels, framing_weights
from training.metrics import accuracy, f1_macro, f1_micro, framing_counts, one_against_rest, topic_counts
from training.nested import fold_settings, nested_predictions
from training.ngram_counts import NgramCounts
from training.pipelines import Matrix, count_articles
from training.run import read_all
from training.sentence_groups import FieldName, Group, regrouped
from training.threads import in_threads

FIGURES = ("topics.f1_macro", "topics.f1_micro", "framing.f1_macro", "framing.accuracy")

Figures = Mapping[str, float]


class Trials:
    """Items that are read, counted and parted into folds once for many settings."""

    def __init__(
        self,
        config: Config,
        items: Sequence[LabelledItem],
        taxonomy: Taxonomy,
        folds: Sequence[Fold] | None = None,
        articles: Sequence[FieldedArticle] | None = None,
    ) -> None:
        self.taxonomy = taxonomy
        self._items = items
        self._articles = articles or read_all(items)
        self._labels = Labels.of(items, taxonomy)
        self.folds = list(folds or story_folds(config, items, self._labels, self._articles))
        self._counted: tuple[tuple[int, int, bool], NgramCounts] | None = None

    def figures(self, config: Config) -> Iterator[Figures]:
        """Yield the figures on the folds fitted so far, from the second on: the last are those of all items.

        Of the data and the folds that `config` names, those given to the constructor are used.
        """
        known = self._known(config)
        fold = np.full(len(self._items), len(self.folds))
        scores = np.zeros((len(self._items), len(self.taxonomy.topics) + len(self.taxonomy.framings)))
        for number, (train, test) in enumerate(self.folds):
            [scores[test]] = in_threads(lambda part: _scores(config, known, part, self.taxonomy), [(train, test)])
            fold[test] = number
            seen = np.flatnonzero(fold <= number)
            if number:
                yield figures_of(config, scores[seen], fold[seen], self._labels.at(seen), self.taxonomy)

    def out_of_fold(self, config: Config, *, by_language: bool = False) -> OutOfFold:
        """Return the scores of all items, each from the other folds; `by_language`, from those of its language alone.

        Its probabilities are not calibrated.
        """
        known = self._known(config)
        languages = np.array([item.lang if by_language else "" for item in self._items])
        parts = [
            (train[languages[train] == language], test[languages[test] == language])
            for train, test in self.folds
            for language in np.unique(languages[test])
        ]
        given = in_threads(lambda part: _scores(config, known, part, self.taxonomy), parts)
        scores, _ = gathered(parts, given)
        fold = np.zeros(len(self._items), dtype=np.int64)
        for number, (_, test) in enumerate(self.folds):
            fold[test] = number
        return OutOfFold(scores, *probabilities(scores, len(self.taxonomy.topics)), fold)

    def reading(self, items: Sequence[LabelledItem]) -> "Trials":
        """Return the same folds of the same items with other texts."""
        return Trials(load_config(), items, self.taxonomy, self.folds)

    def regrouped(self, groups: Mapping[FieldName, Group]) -> "Trials":
        """Return the same folds of the same items with other groups of sentences in the place of some fields."""
        articles = [regrouped(article, groups) for article in self._articles]
        return Trials(load_config(), self._items, self.taxonomy, self.folds, articles)

    def _known(self, config: Config) -> Known:
        labels = self._labels
        weights = labels.weights(config.framing)
        return Known(self._items, self._articles, self._counts(config), labels.topics, labels.framing, weights)

    def _counts(self, config: Config) -> NgramCounts:
        features = config.features
        key = (features.least_ngram, features.greatest_ngram, features.bigrams)
        if self._counted is None or self._counted[0] != key:
            self._counted = (key, count_articles(features, self._articles))
        return self._counted[1]


def figures_of(config: Config, scores: Matrix, fold: Rows, labels: Labels, taxonomy: Taxonomy) -> Figures:
    """Return FIGURES of answers calibrated and decided without the fold they are in, as a run's report has them."""
    out_of_fold = OutOfFold(scores, *probabilities(scores, len(taxonomy.topics)), fold)
    settings = list(fold_settings(config, out_of_fold, labels, taxonomy))
    rows = labels.measured(config.framing)
    labels, predictions = labels.at(rows), nested_predictions(out_of_fold, settings, taxonomy).at(rows)
    weights = framing_weights(labels, config.framing, taxonomy)[:, None, None]
    topics = (topic_counts(labels, predictions) * weights).sum(axis=0)
    framings = (framing_counts(labels, predictions, len(taxonomy.framings)) * weights).sum(axis=0)
    values = (f1_macro(topics), f1_micro(topics), f1_macro(one_against_rest(framings)), accuracy(framings))
    return dict(zip(FIGURES, map(float, values), strict=True))


def _scores(config: Config, known: Known, part: Fold, taxonomy: Taxonomy) -> Matrix:
    train, test = part
    return pipeline_scores(fit_pipelines(config, known.at(train), taxonomy), known.counts.at(test))
