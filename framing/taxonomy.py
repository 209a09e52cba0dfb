"""The labels, read from data."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from framing.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Label:
    """One topic or framing: its id, names by language, definition, and stance (framings only)."""

    id: str
    names: Mapping[str, str]
    definition: str
    stance: str = ""


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Topics (zero or more an item) and framings (exactly one), in their order."""

    version: str
    topics: tuple[Label, ...]
    framings: tuple[Label, ...]
    absent: str

    @property
    def topic_ids(self) -> tuple[str, ...]:
        """Ids of the topics."""
        return tuple(label.id for label in self.topics)

    @property
    def framing_ids(self) -> tuple[str, ...]:
        """Ids of the framings."""
        return tuple(label.id for label in self.framings)

    def stance(self, framing: str) -> str:
        """Return the stance that `framing` implies; KeyError if there is no such framing."""
        return {label.id: label.stance for label in self.framings}[framing]

    def to_dict(self) -> dict[str, Any]:
        """Return the taxonomy as plain data, as `from_dict` reads it."""
        labels = {
            kind: [
                {"id": label.id, "names": dict(label.names), "definition": label.definition}
                | ({"stance": label.stance} if label.stance else {})
                for label in group
            ]
            for kind, group in (("topics", self.topics), ("framings", self.framings))
        }
        return {"version": self.version, "absent": self.absent, **labels}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Taxonomy":
        """Return the taxonomy in `data`; ConfigError that says what is wrong with it."""
        try:
            topics = tuple(Label(**label) for label in data["topics"])
            framings = tuple(Label(**label) for label in data["framings"])
            taxonomy = cls(data["version"], topics, framings, data["absent"])
        except (KeyError, TypeError) as error:
            raise ConfigError(f"taxonomy: {error}") from error
        _check(taxonomy)
        return taxonomy


@cache
def default_taxonomy() -> Taxonomy:
    """Return the taxonomy of framing/taxonomy.toml."""
    text = resources.files("framing").joinpath("taxonomy.toml").read_text("utf-8")
    return Taxonomy.from_dict(tomllib.loads(text))


def _check(taxonomy: Taxonomy) -> None:
    for kind, ids in (("topics", taxonomy.topic_ids), ("framings", taxonomy.framing_ids)):
        if len(set(ids)) != len(ids):
            raise ConfigError(f"taxonomy.{kind}: expected distinct ids, got {list(ids)}")
    if taxonomy.absent not in taxonomy.framing_ids:
        raise ConfigError(f"taxonomy.absent: expected one of {list(taxonomy.framing_ids)}, got {taxonomy.absent!r}")
    for label in taxonomy.framings:
        if not label.stance:
            raise ConfigError(f"taxonomy.framings: {label.id!r} has no stance")
