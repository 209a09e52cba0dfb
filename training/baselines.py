"""What a model must beat: the prior, the outlet's name, keyword rules, and complement naive Bayes on words.

A baseline turns items into scores (n, L), topics first. Scores are then calibrated and decided as the model's are,
fold by fold, so that its figures stand in the same table for the same reasons.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.naive_bayes import ComplementNB

from framing.fields import FIELDS, FieldedArticle
from framing.taxonomy import Taxonomy
from framing.text import prepare
from training.config import Config
from training.data import LabelledItem
from training.figures import Figures, Scored, brief_figures
from training.fit import OutOfFold
from training.labels import Labels
from training.metrics import Indices, Matrix, Predictions
from training.nested import fold_settings, nested_predictions
from training.ngram_counts import NgramCounts

_ALL = FIELDS.index("all")
_SMOOTHING = 4.0  # items of the prior in each outlet's shares
_TINY = 1e-12


@dataclass(frozen=True)
class Material:
    """n items with their fielded forms, what these count of n-grams, and labels."""

    items: Sequence[LabelledItem]
    articles: Sequence[FieldedArticle]
    counts: NgramCounts
    labels: Labels
    taxonomy: Taxonomy

    @cached_property
    def indicators(self) -> Matrix:
        """All labels as 0 and 1, topics first, (n, L)."""
        framings = np.eye(len(self.taxonomy.framings))[self.labels.framing]
        return np.hstack([self.labels.topics.astype(np.float64), framings])

    @cached_property
    def counted(self) -> tuple[sparse.csr_matrix, Sequence[str]]:
        """How often each word stands in each item, (n, words), and the words."""
        words = [column for column, name in enumerate(self.counts.names) if " " not in name]  # others are pairs
        return self.counts.words[_ALL][:, words], [self.counts.names[column] for column in words]

    @cached_property
    def keywords(self) -> Matrix:
        """What `keyword_scores` returns, for each item."""
        labels = self.taxonomy.topic_ids + self.taxonomy.framing_ids
        languages = np.array([item.lang for item in self.items])
        scores = np.zeros((len(self.items), len(labels)))
        for language, rules in _rules().items():
            rows = np.flatnonzero(languages == language)
            for label, rule in rules.items():
                scores[rows, labels.index(label)] = np.log1p(_matching(self.counted, rows, rule))
        both = [any(sentence.names_both for sentence in article.sentences) for article in self.articles]
        scores[:, labels.index("neutral")] = both
        scores[:, labels.index(self.taxonomy.absent)] = np.logical_not(both)
        return scores


Scoring = Callable[[Material, Indices, Indices], Matrix]
"""From material, rows to learn from and rows to score, to the scores of the latter."""


def baseline_figures(config: Config, material: Material, fold: Indices, weights: Matrix) -> dict[str, Figures]:
    """Return the brief figures of every baseline on out-of-fold predictions over the folds `fold` (n,)."""
    return {
        name: brief_figures(
            Scored.of(material.items, predict(config, material, fold, scoring), material.taxonomy, weights)
        )
        for name, scoring in BASELINES.items()
    }


def predict(config: Config, material: Material, fold: Indices, scoring: Scoring) -> Predictions:
    """Return nested out-of-fold answers of one baseline."""
    scores = np.zeros((len(fold), len(material.taxonomy.topics) + len(material.taxonomy.framings)))
    for number in range(int(fold.max()) + 1):
        test = np.flatnonzero(fold == number)
        scores[test] = scoring(material, np.flatnonzero(fold != number), test)
    topics = len(material.taxonomy.topics)
    out_of_fold = OutOfFold(scores, scores[:, :topics], scores[:, topics:], fold)
    settings = list(fold_settings(config, out_of_fold, material.labels, material.taxonomy))
    return nested_predictions(out_of_fold, settings, material.taxonomy)


def prior_scores(material: Material, train: Indices, test: Indices) -> Matrix:
    """Return the same score for every item and label: calibration then makes it the labels' shares."""
    del train
    return np.zeros((len(test), material.indicators.shape[1]))


def outlet_scores(material: Material, train: Indices, test: Indices) -> Matrix:
    """Return the log-odds of each label among the outlet's items, drawn towards the shares of all."""
    indicators = material.indicators
    names, outlets = np.unique([item.outlet for item in material.items], return_inverse=True)
    known = train[names[outlets[train]] != ""]
    sums = np.zeros((len(names), indicators.shape[1]))
    np.add.at(sums, outlets[known], indicators[known])
    counts = np.bincount(outlets[known], minlength=len(names))[:, None]
    shares = (sums + _SMOOTHING * indicators[train].mean(axis=0)) / (counts + _SMOOTHING)
    return _log_odds(shares)[outlets[test]]


def keyword_scores(material: Material, train: Indices, test: Indices) -> Matrix:
    """Return how many words of each label the item has, under the rules of keywords.toml."""
    del train
    return material.keywords[test]


def naive_bayes_scores(material: Material, train: Indices, test: Indices) -> Matrix:
    """Return differences of log-likelihoods under complement naive Bayes (Rennie et al. 2003) on TF-IDF of words."""
    words, _ = material.counted
    known = np.flatnonzero(np.asarray(words[train].sum(axis=0)).ravel())
    weighing = TfidfTransformer(sublinear_tf=True)
    seen = weighing.fit_transform(words[train][:, known])
    new = weighing.transform(words[test][:, known])
    topics = [_likelihoods(seen, present, new, 2) @ (-1.0, 1.0) for present in material.labels.topics[train].T]
    framing = _likelihoods(seen, material.labels.framing[train], new, len(material.taxonomy.framings))
    return np.column_stack([*topics, framing])


BASELINES: Mapping[str, Scoring] = {
    "prior": prior_scores,
    "outlet": outlet_scores,
    "keywords": keyword_scores,
    "naive_bayes": naive_bayes_scores,
}


def _likelihoods(seen: sparse.csr_matrix, classes: Indices, new: sparse.csr_matrix, count: int) -> Matrix:
    """Return log-probabilities of `count` classes; one that was not seen is as unlikely as the least likely one."""
    classifier = ComplementNB().fit(seen, classes)
    found = classifier.predict_log_proba(new)
    likelihoods = np.repeat(found.min(axis=1, keepdims=True), count, axis=1)
    likelihoods[:, classifier.classes_] = found
    return likelihoods


def _log_odds(share: Matrix) -> Matrix:
    return np.log(np.maximum(share, _TINY)) - np.log(np.maximum(1 - share, _TINY))


def _matching(counted: tuple[sparse.csr_matrix, Sequence[str]], rows: Indices, rule: Callable[[str], bool]) -> Matrix:
    """Return how many of the words in each of `rows` are as `rule` says."""
    counts, words = counted[0][rows], counted[1]
    used, places = np.unique(counts.indices, return_inverse=True)
    fitting = np.array([rule(words[column]) for column in used.tolist()], dtype=np.float64)
    owners = np.repeat(np.arange(len(rows)), np.diff(counts.indptr))
    return np.bincount(owners, counts.data * fitting[places], minlength=len(rows)).astype(np.float64)


@cache
def _rules() -> dict[str, dict[str, Callable[[str], bool]]]:
    """Return, by language and label, whether a word is one of the label's."""
    data = tomllib.loads(resources.files("training").joinpath("keywords.toml").read_text("utf-8"))
    prefixes = "|".join(prepare(prefix).text for prefix in data.pop("arabic_prefixes"))
    return {
        language: {label: _rule(stems, prefixes if language == "ar" else "") for label, stems in labels.items()}
        for language, labels in data.items()
    }


def _rule(stems: Sequence[str], prefixes: str) -> Callable[[str], bool]:
    pattern = re.compile(rf"(?:{prefixes})?(?:{'|'.join(re.escape(prepare(stem).text) for stem in stems)})")
    return lambda word: pattern.match(word) is not None
