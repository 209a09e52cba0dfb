"""Configurations as TOML files with ``--set key=value`` overrides."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from framing.errors import ConfigError

Kind = TypeVar("Kind", bound="Section")


class Section(BaseModel):
    """A table of the configuration. Unknown keys are errors; values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_tables(name: str, overrides: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return the file of the configuration `name` and what it holds, unchecked, with `overrides`.

    What it does not say is as in the configuration that its `base` names.
    """
    source, text = _read(name)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: {error}") from error
    if base := tables.pop("base", ""):
        tables = _merged(read_tables(str(base), ())[1], tables)
    for override in overrides:
        _apply(tables, override)
    return source, tables


def validated(kind: type[Kind], source: str, tables: Mapping[str, Any]) -> Kind:
    """Return `tables`, which came from the file `source`, as a `kind`; ConfigError names the path of a bad setting."""
    try:
        return kind.model_validate(tables)
    except ValidationError as error:
        raise ConfigError(f"{source}: {_first_error(error)}") from error


def is_shipped(name: str) -> bool:
    """Return whether a configuration `name` comes with the package."""
    return _shipped(name).is_file()


def flatten(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested tables as one, with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _merged(base: Mapping[str, Any], tables: Mapping[str, Any]) -> dict[str, Any]:
    both = {key: _merged(base[key], value) for key, value in tables.items() if isinstance(base.get(key), dict)}
    return {**base, **tables, **both}


def _shipped(name: str) -> Traversable:
    return resources.files("training").joinpath(f"configs/{name}.toml")


def _read(name: str) -> tuple[str, str]:
    if is_shipped(name):
        return f"{name}.toml", _shipped(name).read_text("utf-8")
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
