"""What comes in and what goes out."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal, NamedTuple

from framing.letters import Span

Part = Literal["title", "text"]


class Article(NamedTuple):
    """A news item as published. `text` or `title` has words; all else may be empty.

    Only title and text are classified: outlet, time, URL and language never move a label.
    """

    text: str
    title: str = ""
    language: str = ""
    outlet: str = ""
    url: str = ""
    published: str = ""

    def part(self, part: Part) -> str:
        """Return the title or the text as the caller sent it."""
        return self.title if part == "title" else self.text


class LabelScore(NamedTuple):
    """A label's calibrated probability in [0, 1] and whether the model gives the label."""

    label: str
    probability: float
    selected: bool


class EvidenceSpan(NamedTuple):
    """A phrase of a sentence of evidence and its contribution to the label's score, in log-odds."""

    span: Span
    contribution: float


class Evidence(NamedTuple):
    """A sentence that speaks for a label.

    `span` and the spans of `phrases` are code points of `part` exactly as the caller sent it.
    `contribution` is what the sentence adds to the label's score, in log-odds: over all sentences,
    with the part that no sentence has, contributions add up to the score.
    """

    label: str
    part: Part
    span: Span
    contribution: float
    phrases: tuple[EvidenceSpan, ...]


class Abstention(StrEnum):
    """Why no label was given."""

    LOW_CONFIDENCE = "LOW_CONFIDENCE"
    UNSUPPORTED_LANGUAGE = "UNSUPPORTED_LANGUAGE"
    OUT_OF_DOMAIN = "OUT_OF_DOMAIN"
    TOO_SHORT = "TOO_SHORT"


class Classification(NamedTuple):
    """The answer about one article: a score for every label, in the taxonomy's order.

    With an `abstention` other than LOW_CONFIDENCE no label is selected; with LOW_CONFIDENCE no framing
    is, and `stance` is empty. `credit` is the wire source named in the item, empty if none is. `words` is
    how many words were read, and `known_share`, in [0, 1], which share of them was met in training: what drift is
    seen by.
    """

    topics: tuple[LabelScore, ...]
    framings: tuple[LabelScore, ...]
    stance: str
    abstention: Abstention | None
    evidence: Sequence[Evidence]
    language: str
    credit: str
    words: int
    known_share: float

    @property
    def framing(self) -> str:
        """The selected framing, or empty where the model abstains."""
        return next((score.label for score in self.framings if score.selected), "")

    @property
    def likeliest_framing(self) -> str:
        """The most probable framing, abstention or not."""
        return max(self.framings, key=lambda score: score.probability).label

    @property
    def selected_topics(self) -> tuple[str, ...]:
        """The topics that are given."""
        return tuple(score.label for score in self.topics if score.selected)
