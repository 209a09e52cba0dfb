"""The mistakes among out-of-fold answers, most confident first, with the evidence that misled the fold's model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from framing.article import Evidence
from framing.fields import FieldedArticle
from training.data import LabelledItem
from training.held_out import HeldOut

MOST_MISTAKES = 3000


@dataclass(frozen=True, slots=True)
class WrongLabel:
    """A label that was wrongly given or missed, and how sure the model was of the wrong answer, in [0, 1]."""

    label: str
    given: bool
    confidence: float


@dataclass(frozen=True, slots=True)
class Mistake:
    """An item with at least one wrong label. `wrong` are its wrong labels; `withheld`, whether its framing was."""

    item: LabelledItem
    topics: tuple[str, ...]
    framing: str
    withheld: bool
    wrong: tuple[WrongLabel, ...]
    evidence: Sequence[Evidence]

    @property
    def confidence(self) -> float:
        """How sure the model was where it was surest and wrong."""
        return max(wrong.confidence for wrong in self.wrong)


def find_mistakes(held_out: HeldOut, articles: Sequence[FieldedArticle], *, most: int = MOST_MISTAKES) -> list[Mistake]:
    """Return the `most` confident mistakes, each with evidence for the labels given, from the fold's own model.

    `articles` are the items as they are read.
    """
    wrong = {row: found for row in range(len(held_out.items)) if (found := tuple(_wrong_labels(held_out, row)))}
    kept = sorted(wrong, key=lambda row: (-max(label.confidence for label in wrong[row]), held_out.items[row].id))[
        :most
    ]
    evidence = _evidence(held_out, articles, kept)
    return [_mistake(held_out, row, wrong[row], evidence[row]) for row in kept]


def _mistake(held_out: HeldOut, row: int, wrong: tuple[WrongLabel, ...], evidence: Sequence[Evidence]) -> Mistake:
    taxonomy, predictions = held_out.taxonomy, held_out.predictions
    return Mistake(
        item=held_out.items[row],
        topics=tuple(topic for topic, given in zip(taxonomy.topic_ids, predictions.topics[row], strict=True) if given),
        framing=taxonomy.framing_ids[predictions.framing[row]],
        withheld=not predictions.answered[row],
        wrong=wrong,
        evidence=evidence,
    )


def _wrong_labels(held_out: HeldOut, row: int) -> Iterator[WrongLabel]:
    taxonomy, predictions, labels = held_out.taxonomy, held_out.predictions, held_out.labels
    for column, topic in enumerate(taxonomy.topic_ids):
        given, chance = bool(predictions.topics[row, column]), float(predictions.topic_probabilities[row, column])
        if given != bool(labels.topics[row, column]):
            yield WrongLabel(topic, given, chance if given else 1 - chance)
    given_framing, true = int(predictions.framing[row]), int(labels.framing[row])
    if given_framing != true:
        chances = predictions.framing_probabilities[row]
        yield WrongLabel(taxonomy.framing_ids[given_framing], True, float(chances[given_framing]))
        yield WrongLabel(taxonomy.framing_ids[true], False, float(1 - chances[true]))


def _evidence(
    held_out: HeldOut, articles: Sequence[FieldedArticle], rows: Sequence[int]
) -> dict[int, Sequence[Evidence]]:
    fold = held_out.result.out_of_fold.fold
    chosen = np.asarray(rows, dtype=np.int64)
    return {
        int(row): model.classify_read(articles[row], held_out.items[row].lang).evidence
        for number, model in enumerate(held_out.fold_models())
        for row in chosen[fold[chosen] == number]
    }
