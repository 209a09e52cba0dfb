from collections.abc import Iterable, Mapping, Sequence

from framing import article
from framing.letters import Span
from framing.text import Sentence
from framing.tokens import Line

def probabilities(scores: list[float], topics: int) -> list[float]: ...
def label_scores(
    make: type[article.LabelScore], labels: tuple[str, ...], values: list[float], given: list[bool]
) -> tuple[article.LabelScore, ...]: ...

class RowTable:
    def __init__(self, remembered: dict[str, bytes], most: int) -> None: ...
    def find(self, lines: Iterable[Line]) -> list[bytes] | None: ...

class Scores:
    total: list[float]
    unplaced: list[float]
    words: int
    known: int
    signs: list[float]
    def __init__(
        self,
        sentences: Sequence[Sentence],
        members: Sequence[Sequence[int]],
        rows: list[bytes],
        unplaced: list[float],
        exponent: float,
        signs: int,
        sample: int,
    ) -> None: ...
    def by_sentence(self, label: int) -> list[float]: ...
    def by_word(self, sentence: int, label: int) -> list[float]: ...

class Evidence:
    def __init__(
        self,
        evidence: type[article.Evidence],
        phrase: type[article.EvidenceSpan],
        span: type[Span],
        spans: Mapping[str, tuple[Span, ...]],
        phrases: int,
    ) -> None: ...
    def of(
        self,
        scores: Scores,
        sentences: Sequence[Sentence],
        title: int,
        labels: Iterable[tuple[int, str]],
        most: int,
    ) -> tuple[article.Evidence, ...]: ...
