"""The configuration of a benchmark: a public set, the recipe and the baseline that are compared on it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from training.config import Config, DataConfig
from training.config_files import Section, is_shipped, read_tables, validated

FOLDER = "benchmarks"
DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "benchmarks"  # beside the checkout


class Recipe(Section):
    """A TextClassifier: what is counted of a text, and how it is fitted.

    `words` and `characters` are the least and greatest n-grams of each, (0, 0) for none. With `letters` texts are
    folded as the house's own are, with `marks` punctuation counts as words and # and @ stay on theirs, with
    `hashtags` their words are also read apart, `dropped` words are not read at all. An n-gram counts if it is in
    `least_texts` texts and `least_groups` groups. `strengths` are the candidates for the penalty, the best is
    chosen as `tune` says. `balance` raises the weight of rare labels, and `group_balance` that of groups with few
    texts of a label, from 0, all texts alike, to 1, all labels or groups alike. `group_penalty` is the price of a
    score that tells the groups of one label apart.
    """

    words: tuple[int, int] = (1, 2)
    characters: tuple[int, int] = (2, 5)
    letters: bool = False
    marks: bool = False
    hashtags: bool = False
    dropped: tuple[str, ...] = ()
    least_texts: int = Field(default=1, ge=1)
    least_groups: int = Field(default=1, ge=1)
    strengths: tuple[float, ...] = (1.0,)
    balance: float = Field(default=0.0, ge=0, le=1)
    group_balance: float = Field(default=0.0, ge=0, le=1)
    group_penalty: float = Field(default=0.0, ge=0)
    tune: Literal["none", "threshold", "shifts"] = "none"


class BenchmarkConfig(DataConfig):
    """A public set: how it is measured, with which recipe, against which baseline.

    The protocol "given-folds" fits on each of `data.paths` and scores the part of `data.validation` in the same
    place; "cross-validation" pools both and repeats with `repeats` seeds; "validation" fits on the one and scores the
    other. For a test part all of it is fitted on (`test_fit`), or what was fitted on without it. `scored` are
    the labels whose F1 is averaged where not all count. `published` holds figures by system and metric.
    """

    protocol: Literal["given-folds", "cross-validation", "validation"]
    metrics: tuple[str, ...]
    scored: tuple[str, ...] = ()
    repeats: int = Field(default=1, ge=1)
    test_fit: Literal["all", "train"] = "all"
    baseline: Literal["svm", "logistic"]
    recipe: Recipe = Recipe()
    published: dict[str, dict[str, float]] = Field(default_factory=dict)


def load_benchmark(name: str, overrides: Sequence[str] = ()) -> BenchmarkConfig:
    """Return the configuration of the benchmark shipped as `name`, or in the file at the path `name`."""
    shipped = f"{FOLDER}/{name}"
    return validated(BenchmarkConfig, *read_tables(shipped if is_shipped(shipped) else name, overrides))


def load_data_config(name: str, overrides: Sequence[str] = ()) -> DataConfig:
    """Return the configuration `name` of a training run, or of a benchmark, which is what has a protocol."""
    source, tables = read_tables(name, overrides)
    return validated(BenchmarkConfig if "protocol" in tables else Config, source, tables)
