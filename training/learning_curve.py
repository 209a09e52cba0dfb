"""How good a model is when it is fitted on a part of the stories."""

import hashlib
from collections.abc import Callable, Iterator, Sequence

from framing.taxonomy import Taxonomy
from training.config import Config
from training.data import LabelledItem
from training.evaluate import Report, evaluate
from training.fit import fit
from training.held_out import HeldOut
from training.run import read_all

SHARES = (0.25, 0.5, 0.75, 1.0)


def share_of_stories(items: Sequence[LabelledItem], share: float) -> list[LabelledItem]:
    """Return the items of a `share` of the stories: each smaller share is part of every larger one."""
    stories = sorted({item.story for item in items}, key=lambda story: hashlib.sha256(story.encode()).hexdigest())
    kept = set(stories[: round(share * len(stories))])
    return [item for item in items if item.story in kept]


def learning_curve(
    config: Config,
    items: Sequence[LabelledItem],
    unseen: Sequence[LabelledItem],
    taxonomy: Taxonomy,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[float, int, Report, Report]]:
    """Yield share, number of items, report on held-out stories of the share, report on `unseen`."""
    for share in SHARES:
        part = share_of_stories(items, share)
        progress(f"{share:.0%} of the stories: {len(part)} items")
        result = fit(config, part, read_all(part), taxonomy)
        yield share, len(part), HeldOut.of(config, part, result, taxonomy).report(), evaluate(result.model, unseen)
