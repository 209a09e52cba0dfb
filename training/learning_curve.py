"""How good a model is when it is fitted on a part of the stories."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from framing.fields import FieldedArticle
from framing.model import FramingModel
from framing.taxonomy import default_taxonomy
from training.config import Config
from training.data import LabelledItem
from training.evaluate import Report
from training.fit import fit
from training.folds import Rows
from training.held_out import HeldOut

SHARES = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Point:
    """A model fitted on `items` items, a `share` of the stories, and the report on those that its folds held out."""

    share: float
    items: int
    held_out: Report
    model: FramingModel


def rows_of_share(items: Sequence[LabelledItem], share: float) -> Rows:
    """Return the rows of a `share` of the stories: each smaller share is part of every larger one."""
    stories = sorted({item.story for item in items}, key=lambda story: hashlib.sha256(story.encode()).hexdigest())
    kept = set(stories[: round(share * len(stories))])
    return np.flatnonzero([item.story in kept for item in items])


def learning_curve(
    config: Config,
    items: Sequence[LabelledItem],
    articles: Sequence[FieldedArticle],
    *,
    shares: Sequence[float] = SHARES,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Point]:
    """Yield a point for each of `shares` of `items`, whose fielded forms are `articles`."""
    taxonomy = default_taxonomy()
    for share in shares:
        rows = rows_of_share(items, share).tolist()
        progress(f"{share:.0%} of the stories: {len(rows)} items")
        part = [items[row] for row in rows]
        result = fit(config, part, [articles[row] for row in rows], taxonomy)
        yield Point(share, len(part), HeldOut.of(config, part, result, taxonomy).report(), result.model)
