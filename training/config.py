"""The configuration of a training run: TOML files with ``--set key=value`` overrides."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from framing.errors import ConfigError


class Section(BaseModel):
    """A table of the configuration. Unknown keys are errors; values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Section):
    """Labelled data: files or folders of JSON Lines; empty for the bundled corpus."""

    paths: tuple[str, ...] = ()


class Features(Section):
    """What is counted of an article."""

    least_ngram: int = Field(default=2, ge=1, le=8)
    greatest_ngram: int = Field(default=5, ge=1, le=8)
    bigrams: bool = True
    least_articles: int = Field(default=2, ge=1)
    most_ngrams: int = Field(default=60_000, ge=100)
    exponent: float = Field(default=0.5, ge=0, le=1)


class FieldWeights(Section):
    """How much each field of an article, and its shape counts, weigh beside the others."""

    all: float = Field(default=1.0, ge=0)
    head: float = Field(default=1.0, ge=0)
    pair: float = Field(default=1.0, ge=0)
    shape: float = Field(default=1.0, ge=0)


class Classifier(Section):
    """A linear classifier: a ridge regression on class indicators, or a logistic regression.

    `alpha` is the strength of the ridge's penalty, in units of the mean squared length of an article's
    counts; `c` the inverse strength of the logistic regression's. `class_weight` is "none" or, for
    framings, "balanced" or a weight by label. `prior` holds the share of items that each label is
    expected to have where the model will work; empty for the shares of the corpus.
    """

    kind: Literal["ridge", "logistic"] = "ridge"
    alpha: float = Field(default=0.1, gt=0)
    c: float = Field(default=1.0, gt=0)
    fields: FieldWeights = FieldWeights()
    class_weight: Literal["balanced", "none"] | dict[str, float] = "none"
    prior: dict[str, float] = Field(default_factory=dict)


class Folds(Section):
    """Cross-validation, grouped by story."""

    count: int = Field(default=5, ge=2, le=50)


class Decision(Section):
    """How thresholds are set on out-of-fold predictions.

    A framing is withheld below the confidence at which `framing_accuracy` of the answers are right, but not from
    more than `most_withheld` of the items.
    """

    framing_accuracy: float = Field(default=0.8, ge=0, le=1)
    most_withheld: float = Field(default=0.3, ge=0, le=1)


class Registry(Section):
    """Where the model goes."""

    experiment: str = "framing"
    model: str = "framing"


class Config(Section):
    """A training run."""

    seed: int = 7
    data: Data = Data()
    features: Features = Features()
    topics: Classifier = Classifier()
    framing: Classifier = Classifier()
    folds: Folds = Folds()
    decision: Decision = Decision()
    registry: Registry = Registry()


def load_config(name: str = "default", overrides: Sequence[str] = ()) -> Config:
    """Return the configuration shipped as `name`, or in the file at the path `name`, with `overrides`.

    An override is ``key.path=value`` with a TOML value; a bare word is a string. Raises ConfigError
    that names the file or override and the path of the setting.
    """
    source, text = _read(name)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: {error}") from error
    for override in overrides:
        _apply(data, override)
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{source}: {_first_error(error)}") from error


def flatten(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested tables as one, with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _read(name: str) -> tuple[str, str]:
    shipped = resources.files("training").joinpath(f"configs/{name}.toml")
    if shipped.is_file():
        return f"{name}.toml", shipped.read_text("utf-8")
    try:
        return name, Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: expected a shipped configuration or a TOML file: {error}") from error


def _apply(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not all(key.strip().split(".")):
        raise ConfigError(f"--set {override}: expected key=value")
    *tables, last = key.strip().split(".")
    for table in tables:
        data = data.setdefault(table, {})
        if not isinstance(data, dict):
            raise ConfigError(f"--set {override}: {table} is a value, not a table")
    data[last] = _value(value.strip())


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _first_error(error: ValidationError) -> str:
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{path}: unknown setting"
    return f"{path}: {first['msg']}, got {first['input']!r}"
