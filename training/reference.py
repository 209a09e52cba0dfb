"""What a fitted model's input and answers look like in training, for a server to tell drift by."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from framing.fields import FieldedArticle
from framing.language import detect_language
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
    alone. Nothing is scored for it.
    """
    taxonomy = model.taxonomy
    words = [[word for sentence in article.sentences for word in sentence.words] for article in articles]
    vocabulary = frozenset(model.weights.vocabulary)
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
        LANGUAGE: _counted((_language(item, own) for item, own in zip(items, words, strict=True)), each),
        FRAMING: _counted(framings, weights),
        **topics,
        KNOWN_SHARE: _counted((bin_name(_known_share(own, vocabulary), KNOWN_SHARE_EDGES) for own in words), each),
        WORDS: _counted((bin_name(len(own), WORDS_EDGES) for own in words), each),
    }


def _language(item: LabelledItem, words: Sequence[str]) -> str:
    """Return what language a model answers that it read `item` in."""
    return item.lang.partition("-")[0].lower() or detect_language(words)


def _known_share(words: Sequence[str], vocabulary: AbstractSet[str]) -> float:
    """Return the share of `words` that a model with that `vocabulary` of n-grams knows: as whole words."""
    return sum(f" {word} " in vocabulary for word in words) / max(1, len(words))


def _counted(names: Iterable[str], weights: Iterable[float]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for name, weight in zip(names, weights, strict=True):
        counts[name] = counts.get(name, 0.0) + float(weight)
    return {name: round(count, 2) for name, count in sorted(counts.items())}
