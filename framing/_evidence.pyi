from collections.abc import Mapping, Sequence

from framing import article
from framing._scoring import Scores
from framing.letters import Span
from framing.text import Sentence

class EvidenceMaker:
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
        names: tuple[str, ...],
        labels: Sequence[int],
        most: int,
    ) -> Sequence[article.Evidence]: ...
