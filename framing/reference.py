"""What a model's input and answers looked like in training, so that a server can tell when they drift.

A reference counts for each feature how many articles fell into each of its bins. Training writes it into the bundle's
`info`, serving counts the same bins. Bundles made before there was a reference load all the same.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

LANGUAGE, FRAMING, KNOWN_SHARE, WORDS = "language", "framing", "known_share", "words"
ABSTAINED = "abstained"
GIVEN, WITHHELD = "given", "withheld"

# A bin reaches up to an edge, edge included; a last one lies above all.
KNOWN_SHARE_EDGES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
WORDS_EDGES = (10, 20, 40, 80, 160, 320, 640, 1280)
_LAST = "more"

BinCounts = dict[str, dict[str, float]]


def topic_feature(topic: str) -> str:
    """Return the name of the feature that tells whether `topic` was given."""
    return f"topic_{topic}"


def bin_names(edges: Sequence[float]) -> tuple[str, ...]:
    """Return the names of the bins that `edges` bound."""
    return (*(f"{edge:g}" for edge in edges), _LAST)


def bin_name(value: float, edges: Sequence[float]) -> str:
    """Return the name of the bin that `value` falls into."""
    return bin_names(edges)[bisect_left(edges, value)]


def read_reference(info: Mapping[str, Any]) -> BinCounts:
    """Return the reference in a bundle's `info`, empty if it has none or none of this form."""
    held = info.get("reference")
    try:
        return {
            str(feature): {str(name): float(count) for name, count in bins.items()}
            for feature, bins in dict(held or {}).items()
        }
    except (AttributeError, TypeError, ValueError):
        return {}
