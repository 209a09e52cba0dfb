"""What gives a label away: single words, and the outlet, the year or the form alone.

A model may learn that an invented outlet or a word of the writers' habit means a label; on real news that
is worth nothing. Words are for people to read; outlet and year are a gate, near the prior.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from framing.fields import FieldedArticle
from framing.taxonomy import Taxonomy
from training.corpus_schema import CorpusItem, Fault
from training.folds import disjoint_folds, merged_groups
from training.metrics import Matrix, accuracy, f1_macro, one_against_rest

LEAST_ITEMS = 15
LEAST_STORIES = 8
MOST_WORDS = 15
FOLDS = 5
REPEATS = 5
TOLERANCE = 0.05
GATED = ("outlet", "year")

_Z = 1.96  # two-sided 95 %

COLUMNS: Mapping[str, Callable[[CorpusItem], str]] = {
    "prior": lambda _: "",
    "outlet": lambda item: item.outlet,
    "year": lambda item: item.date[:4],
    "kind": lambda item: item.kind,
}

Words = list[dict[str, Any]]


def wilson_low(hits: int, count: int) -> float:
    """Return the lower bound of the 95 % score interval of a share (Wilson 1927)."""
    share = hits / count
    spread = _Z * sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return (share + _Z**2 / (2 * count) - spread) / (1 + _Z**2 / count)


def giveaway_words(
    items: Sequence[CorpusItem], articles: Sequence[FieldedArticle], taxonomy: Taxonomy
) -> dict[str, Words]:
    """Return, for each label, the words that predict it best, of one language's items.

    A word counts with 15 items or more of 8 stories or more. `share` is how many of its items have the
    label, `lift` that over the label's share of all; they are sorted by `lift_low`, the lift of the
    share's Wilson lower bound, so that a rare word needs a higher share.
    """
    labels = {label: _with_label(items, label) for label in (*taxonomy.framing_ids, *taxonomy.topic_ids)}
    frequent = _frequent_words(items, articles)
    return {label: _best_words(frequent, having, len(items)) for label, having in labels.items()}


def _with_label(items: Sequence[CorpusItem], label: str) -> frozenset[int]:
    return frozenset(place for place, item in enumerate(items) if label in (item.framing, *item.topics))


def _frequent_words(items: Sequence[CorpusItem], articles: Sequence[FieldedArticle]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, article in enumerate(articles):
        for word in {word for sentence in article.sentences for word in sentence.words}:
            places.setdefault(word, []).append(place)
    return {
        word: found
        for word, found in places.items()
        if len(found) >= LEAST_ITEMS and len({items[place].story for place in found}) >= LEAST_STORIES
    }


def _best_words(frequent: Mapping[str, Sequence[int]], having: frozenset[int], count: int) -> Words:
    if not having:
        return []
    prior = len(having) / count
    rows: Words = []
    for word, found in frequent.items():
        hits = sum(place in having for place in found)
        share, low = hits / len(found), wilson_low(hits, len(found))
        figures = {"share": share, "lift": share / prior, "lift_low": low / prior}
        rows.append({"word": word, "items": len(found), **figures})
    return sorted(rows, key=lambda row: (-row["lift_low"], row["word"]))[:MOST_WORDS]


def columns_alone(items: Sequence[CorpusItem], taxonomy: Taxonomy) -> dict[str, dict[str, float]]:
    """Return accuracy and macro-F1 of the framing predicted from one column alone, and from nothing (`prior`).

    Cross-validated over stories, five times five folds: the answer is the commonest framing of the
    training folds among items with the same value, or among all where the value is new.
    """
    truth = np.array([taxonomy.framing_ids.index(item.framing) for item in items])
    values = {name: [column(item) for item in items] for name, column in COLUMNS.items()}
    confusion = {name: np.zeros((len(taxonomy.framings), len(taxonomy.framings))) for name in COLUMNS}
    for train, test in _story_folds(items):
        for name, of_items in values.items():
            given = _commonest(truth, of_items, train, test)
            np.add.at(confusion[name], (truth[test], given), 1)
    return {name: _scores(cells) for name, cells in confusion.items()}


def _story_folds(items: Sequence[CorpusItem]) -> Iterator[tuple[Any, Any]]:
    groups = merged_groups([[item.story for item in items]])
    for seed in range(REPEATS):
        yield from disjoint_folds(groups, FOLDS, strata=[item.framing for item in items], seed=seed)


def _commonest(truth: Any, values: Sequence[str], train: Sequence[int], test: Sequence[int]) -> list[int]:
    counts: dict[str, Counter[int]] = {}
    for row in train:
        counts.setdefault(values[row], Counter())[int(truth[row])] += 1
    fallback = Counter(int(truth[row]) for row in train).most_common(1)[0][0]
    best = {value: count.most_common(1)[0][0] for value, count in counts.items()}
    return [best.get(values[row], fallback) for row in test]


def _scores(confusion: Matrix) -> dict[str, float]:
    return {"accuracy": float(accuracy(confusion)), "f1_macro": float(f1_macro(one_against_rest(confusion)))}


def giveaway_faults(alone: Mapping[str, Mapping[str, Mapping[str, float]]], folder: Path) -> Iterator[Fault]:
    """Yield the languages in which the outlet or the year alone beats the prior by more than five points."""
    for language, columns in alone.items():
        most = columns["prior"]["accuracy"] + TOLERANCE
        for name in GATED:
            if columns[name]["accuracy"] > most:
                got = f"{columns[name]['accuracy']:.3f}"
                message = f"{language}: expected accuracy of the {name} alone at most {most:.3f}, got {got}"
                yield Fault(str(folder), "", message)
