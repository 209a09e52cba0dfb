from collections.abc import Iterable, Sequence

from framing import article
from framing.scorer import FloatArray
from framing.text import Sentence
from framing.tokens import Line

def probabilities(scores: list[float], topics: int) -> list[float]: ...
def label_scores(
    make: type[article.LabelScore], labels: tuple[str, ...], values: list[float], given: list[bool]
) -> tuple[article.LabelScore, ...]: ...

class Scorer:
    def __init__(
        self,
        remembered: dict[str, bytes],
        most: int,
        shape: FloatArray,
        base: FloatArray,
        exponent: float,
        signs: int,
        sample: int,
    ) -> None: ...
    def find(self, lines: Iterable[Line]) -> list[bytes] | None: ...
    def score(
        self,
        sentences: Sequence[Sentence],
        members: Sequence[Sequence[int]],
        shape: tuple[float, ...],
        rows: list[bytes],
    ) -> Scores: ...

class Scores:
    total: list[float]
    unplaced: list[float]
    words: int
    known: int
    signs: list[float]
    def by_sentence(self, label: int) -> list[float]: ...
    def by_word(self, sentence: int, label: int) -> list[float]: ...
