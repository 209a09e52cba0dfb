"""Public sets: a recipe and its baseline, fitted and scored side by side on the same parts of the data.

A *round* is a list of splits whose answers are scored together; the figures are means over rounds. Given folds
are rounds of one split each, a cross-validation is one round of all its folds (by seed), a validation or test
part is one round of one split.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC

from framing.errors import ConfigError, DataError
from training.benchmark_config import BenchmarkConfig
from training.config import Data
from training.duplicates import article_words, duplicate_clusters
from training.folds import disjoint_folds
from training.loader import Example, read_examples
from training.metrics import f1_by_label, f1_macro, f1_micro, label_counts
from training.text_classifier import TextClassifier

BASELINES = {
    "svm": "TF-IDF of word 1-3-grams and character 2-5-grams, LinearSVC",
    "logistic": "TF-IDF of word 1-2-grams, LogisticRegression",
}

Indices = npt.NDArray[np.int64]
Examples = Sequence[Example]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Split:
    """Items to fit on and items to score."""

    fitted: Examples
    scored: Examples


@dataclass(frozen=True, slots=True)
class Answers:
    """True and given labels of scored items as 0 and 1, (n, L), and the target of each."""

    true: Indices
    given: Indices
    targets: npt.NDArray[np.str_]


def run_benchmark(
    config: BenchmarkConfig, folder: Path, *, test: Path | None = None, progress: Progress = lambda _: None
) -> Mapping[str, Any]:
    """Return the figures of the recipe and of the baseline, from one run, on the data in `folder`.

    They are scored as the protocol says, or on the file `test`.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: expected the folder of the benchmarks' data: give it with --data-dir")
    data = config.data.under(folder)
    rounds = [_test_split(config, data, test)] if test else list(_rounds(config, data))
    sides: dict[str, list[Answers]] = {"recipe": [], "baseline": []}
    for number, splits in enumerate(rounds, start=1):
        for side, answers in sides.items():
            progress(f"round {number} of {len(rounds)}: {side}, {len(splits)} to fit on {len(splits[0].fitted)} items")
            answers.append(_answers(config, side, splits))
    figures = {side: _figures(config, answers) for side, answers in sides.items()}
    return {
        "protocol": "test" if test else config.protocol,
        "test": str(test) if test else None,
        "rounds": len(rounds),
        "fitted": len(rounds[0][0].fitted),
        "scored": [sum(len(split.scored) for split in splits) for splits in rounds],
        "recipe": figures["recipe"],
        "baseline": {"name": BASELINES[config.baseline], **figures["baseline"]},
        "difference": _difference(figures),
        "published": config.published,
    }


def make_baseline(config: BenchmarkConfig) -> Any:
    """Return the unfitted baseline: what scikit-learn gives at its default settings."""
    if config.baseline == "logistic":
        return make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression())
    words, characters = TfidfVectorizer(ngram_range=(1, 3)), TfidfVectorizer(analyzer="char", ngram_range=(2, 5))
    features = FeatureUnion([("words", words), ("characters", characters)])
    return make_pipeline(features, OneVsRestClassifier(LinearSVC()) if config.data.multi_label else LinearSVC())


def _rounds(config: BenchmarkConfig, data: Data) -> Iterator[list[Split]]:
    if config.protocol == "given-folds":
        for fitted, scored in zip(data.paths, data.validation, strict=True):
            yield [Split(_load([fitted], data), _load([scored], data))]
    elif config.protocol == "validation":
        yield [Split(_load(data.paths, data), _load(data.validation, data))]
    else:
        pool = _load([*data.paths, *data.validation], data)
        clusters = duplicate_clusters(article_words(example.article) for example in pool)
        for repeat in range(config.repeats):
            yield _cross_validation(config, pool, clusters, config.seed + repeat)


def _cross_validation(config: BenchmarkConfig, pool: Examples, clusters: Sequence[int], seed: int) -> list[Split]:
    strata = [f"{example.target} {example.labels}" for example in pool]
    folds = disjoint_folds(clusters, config.folds.count, strata=strata, seed=seed)
    return [Split([pool[row] for row in train], [pool[row] for row in test]) for train, test in folds]


def _test_split(config: BenchmarkConfig, data: Data, test: Path) -> list[Split]:
    parts = list(data.paths)
    if config.protocol == "given-folds":  # each fold with its test part is all of the data
        parts = [data.paths[0], data.validation[0]]
    elif config.test_fit == "all":
        parts += data.validation
    return [Split(_load(parts, data), _load([test], data))]


def _load(parts: Sequence[str | Path], data: Data) -> Examples:
    return list(read_examples(parts, data))


def _answers(config: BenchmarkConfig, side: str, splits: Sequence[Split]) -> Answers:
    parts = [part for split in splits for part in _by_target(split)]
    labels = config.data.known_labels
    true = [_indicators([example.labels for example in part.scored], labels) for part in parts]
    given = [_predict(config, side, part, labels) for part in parts]
    targets = [example.target for part in parts for example in part.scored]
    return Answers(np.concatenate(true), np.concatenate(given), np.asarray(targets))


def _by_target(split: Split) -> Iterator[Split]:
    """Yield the split's items target by target: one model each."""
    for target in sorted({example.target for example in split.scored}):
        fitted = [example for example in split.fitted if example.target == target]
        if not fitted:
            raise DataError(f"expected items to fit on for the target {target!r}, found none")
        yield Split(fitted, [example for example in split.scored if example.target == target])


def _predict(config: BenchmarkConfig, side: str, part: Split, labels: Sequence[str]) -> Indices:
    y: Any = [example.labels[0] for example in part.fitted] if not config.data.multi_label else None
    y = _indicators([example.labels for example in part.fitted], labels) if y is None else y
    texts, scored = ([text_of(example) for example in examples] for examples in (part.fitted, part.scored))
    if side == "baseline":
        given = make_baseline(config).fit(texts, y).predict(scored)
    else:
        groups = [example.groups[0] for example in part.fitted] if config.data.groups else None
        given = TextClassifier(config.recipe, config.scored).fit(texts, y, groups=groups).predict(scored)
    return np.asarray(given) if config.data.multi_label else _indicators([[label] for label in given], labels)


def text_of(example: Example) -> str:
    """Return what is classified of `example`: its title, if it has one, and its text."""
    return f"{example.title}\n{example.text}" if example.title else example.text


def _indicators(given: Sequence[Sequence[str]], labels: Sequence[str]) -> Indices:
    return np.array([[int(label in some) for label in labels] for some in given], dtype=np.int64)


def _figures(config: BenchmarkConfig, rounds: Sequence[Answers]) -> Mapping[str, Any]:
    """Return the mean over rounds of each metric, what each round gave, and F1 by label of the rounds together."""
    scored = [config.data.known_labels.index(label) for label in config.scored]
    by_round = {name: [METRICS[name](answers, scored) for answers in rounds] for name in config.metrics}
    pooled = np.sum([label_counts(answers.true, answers.given).sum(axis=0) for answers in rounds], axis=0)
    labels = dict(zip(config.data.known_labels, f1_by_label(pooled).tolist(), strict=True))
    means = {name: float(np.mean(values)) for name, values in by_round.items()}
    return {"figures": means, "by_round": by_round, "f1_by_label": labels}


def _difference(sides: Mapping[str, Mapping[str, Any]]) -> Mapping[str, float]:
    recipe, baseline = sides["recipe"]["figures"], sides["baseline"]["figures"]
    return {name: value - baseline[name] for name, value in recipe.items()}


def _f1_scored(answers: Answers, scored: Sequence[int]) -> float:
    counts = label_counts(answers.true, answers.given).sum(axis=0)
    return float(f1_by_label(counts)[scored].mean())


def _f1_scored_by_target(answers: Answers, scored: Sequence[int]) -> float:
    parts = [answers.targets == target for target in np.unique(answers.targets)]
    return float(
        np.mean([_f1_scored(Answers(answers.true[at], answers.given[at], answers.targets), scored) for at in parts])
    )


def _f1_macro(answers: Answers, _: Sequence[int]) -> float:
    return float(f1_macro(label_counts(answers.true, answers.given).sum(axis=0)))


def _f1_micro(answers: Answers, _: Sequence[int]) -> float:
    return float(f1_micro(label_counts(answers.true, answers.given).sum(axis=0)))


def _all_right(answers: Answers, _: Sequence[int]) -> float:
    return float((answers.true == answers.given).all(axis=1).mean())


METRICS: Mapping[str, Callable[[Answers, Sequence[int]], float]] = {
    "accuracy": _all_right,
    "exact_match": _all_right,
    "f1_macro": _f1_macro,
    "f1_micro": _f1_micro,
    "f1_scored": _f1_scored,
    "f1_scored_by_target": _f1_scored_by_target,
}
