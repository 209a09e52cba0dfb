"""What a search tries, as data: a TOML file with the objective, the number of trials and the space."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

from optuna import Trial
from pydantic import Field, model_validator

from framing.errors import ConfigError
from training.config import Config
from training.config_files import Section, flatten, read_tables, validated

_FIXED = ("seed", "data", "folds", "registry")  # what trials are compared on


class Range(Section):
    """What a setting may be: one of `choices`, or from `low` to `high`, by `step` or evenly in the logarithm."""

    choices: tuple[str | bool | int | float, ...] = ()
    low: int | float = 0
    high: int | float = 0
    step: int | float | None = None
    log: bool = False

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        if not self.choices and not self.low < self.high:
            raise ValueError("expected choices, or low < high")
        return self

    def suggest(self, trial: Trial, name: str) -> str | bool | int | float:
        """Return the value that `trial` is to have for the setting `name`."""
        if self.choices:
            chosen: str | bool | int | float = trial.suggest_categorical(name, self.choices)  # type: ignore[assignment]  # it is one of them
            return chosen
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, log=self.log, step=int(self.step or 1))
        return trial.suggest_float(name, self.low, self.high, log=self.log, step=self.step)


class SearchConfig(Section):
    """A search: the mean of the figures in `objective` is raised over `space`, whose names are settings of a run.

    The first trial has the settings of the configuration itself; of the others, the first `random` in all are drawn
    evenly, the rest where good ones were found (Bergstra et al. 2011). A trial is given up after a fold if it is worse
    there than half of those before it, once there are `unpruned` of them.
    """

    objective: tuple[str, ...] = ("topics.f1_macro", "framing.f1_macro")
    trials: int = Field(default=40, ge=1)
    random: int = Field(default=10, ge=1)
    unpruned: int = Field(default=5, ge=1)
    space: dict[str, Range] = Field(min_length=1)

    def value(self, figures: Mapping[str, float]) -> float:
        """Return the mean of the objective's figures."""
        return math.fsum(figures[name] for name in self.objective) / len(self.objective)


def load_search(name: str, figures: Sequence[str]) -> SearchConfig:
    """Return the search shipped as `name`, or in the file at that path; ConfigError names a setting that cannot be."""
    source, tables = read_tables(name, ())
    tables["space"] = _ranges(tables.get("space", {}))
    search = validated(SearchConfig, source, tables)
    for figure in set(search.objective) - set(figures):
        raise ConfigError(f"{source}: objective: expected figures of {list(figures)}, got {figure!r}")
    for setting in search.space:
        if setting.split(".")[0] in _FIXED:
            raise ConfigError(f"{source}: space.{setting}: trials are compared on the same {setting.split('.')[0]}")
    return search


def with_settings(config: Config, settings: Mapping[str, Any]) -> Config:
    """Return `config` with `settings`, by dotted name."""
    tables = config.model_dump(mode="json")
    for name, value in settings.items():
        *path, last = name.split(".")
        table = tables
        for step in path:
            table = table.setdefault(step, {})
        table[last] = value
    return validated(Config, "search", tables)


def _ranges(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the space by dotted names, however its tables are nested."""
    ranges: dict[str, dict[str, Any]] = {}
    for name, value in flatten(tables).items():
        setting, _, part = name.rpartition(".")
        ranges.setdefault(setting, {})[part] = value
    return ranges
