from collections.abc import Iterable, Mapping, Sequence

from framing import article
from framing.letters import Span
from framing.text import Sentence
from framing.tokens import Line, Token

def find_rows(lines: Iterable[Line], remembered: Mapping[str, bytes]) -> list[bytes] | None: ...

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
        places: Mapping[str, tuple[Span, ...]],
        read: Mapping[str, Token],
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
