"""What a fitted model's input and answers look like in training, for a server to tell drift by."""

from collections.abc import Iterable, Sequence

from framing.fields import FieldedArticle
from framing.model import FramingModel
from framing.reference import (
    ABSTAINED,
    FRAMING,
    GIVEN,
    KNOWN_SHARE,
    KNOWN_SHARE_EDGES,
    LANGUAGE,
    WITHHELD,
    WORDS,
    WORDS_EDGES,
    BinCounts,
    bin_name,
    topic_feature,
)
from training.data import LabelledItem
from training.held_out import HeldOut
from training.metrics import Predictions
from training.pipelines import Matrix


def held_out_reference(held_out: HeldOut, articles: Sequence[FieldedArticle]) -> BinCounts:
    """Return what a server tells drift by: how the items, which read are `articles`, and the answers are spread."""
    return training_reference(held_out.items, articles, held_out.predictions, held_out.weights, held_out.result.model)


def training_reference(
    items: Sequence[LabelledItem],
    articles: Sequence[FieldedArticle],
    predictions: Predictions,
    weights: Matrix,
    model: FramingModel,
) -> BinCounts:
    """Return how many of `items` fall into each bin of each feature of `framing.reference`.

    Labels are those of the out-of-fold `predictions`, with `weights` (n,) of mean 1, at the prior that the model is
    calibrated to. An article's own words are among the known ones: few of them are so by its own story
    alone.
    """
    taxonomy = model.taxonomy
    pairs = zip(articles, items, strict=True)
    answers = [model.classify_read(article, item.lang, evidence=0) for article, item in pairs]
    framings = [
        taxonomy.framing_ids[index] if answered else ABSTAINED
        for index, answered in zip(predictions.framing.tolist(), predictions.answered.tolist(), strict=True)
    ]
    topics = {
        topic_feature(topic): _counted((GIVEN if given else WITHHELD for given in column.tolist()), weights)
        for topic, column in zip(taxonomy.topic_ids, predictions.topics.T, strict=True)
    }
    each = [1.0] * len(items)
    return {
        LANGUAGE: _counted((answer.language for answer in answers), each),
        FRAMING: _counted(framings, weights),
        **topics,
        KNOWN_SHARE: _counted((bin_name(answer.known_share, KNOWN_SHARE_EDGES) for answer in answers), each),
        WORDS: _counted((bin_name(answer.words, WORDS_EDGES) for answer in answers), each),
    }


def _counted(names: Iterable[str], weights: Iterable[float]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for name, weight in zip(names, weights, strict=True):
        counts[name] = counts.get(name, 0.0) + float(weight)
    return {name: round(count, 2) for name, count in sorted(counts.items())}
