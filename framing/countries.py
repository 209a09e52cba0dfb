"""Which words name Iran or Russia."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

IRAN, RUSSIA, BOTH = 1, 2, 3
NEAR_WORDS = 3  # names that are at most so many words apart stand near each other


def countries_named(word: str) -> int:
    """Return which of the two countries the folded `word` names: 0, IRAN, RUSSIA or BOTH."""
    iran, russia = _patterns()
    return (IRAN if iran.fullmatch(word) else 0) | (RUSSIA if russia.fullmatch(word) else 0)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    data = tomllib.loads(resources.files("framing").joinpath("countries.toml").read_text("utf-8"))
    prefixes = "|".join(data["prefixes"])
    return _names(data["iran"], prefixes), _names(data["russia"], prefixes)


def _names(country: Mapping[str, Sequence[str]], prefixes: str) -> re.Pattern[str]:
    stems = "|".join(country["stems"])
    words = "".join(f"|{word}" for word in country["words"])
    return re.compile(rf"(?:{prefixes})?(?:{stems})\w*{words}")
