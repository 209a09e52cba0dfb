from collections.abc import Callable, Iterable, Mapping, Sequence

from framing.letters import Span
from framing.text import Sentence
from framing.tokens import Line, Token

class LineFields: ...
class SentenceFields: ...

class TokenTable:
    def __init__(self, read: Callable[[str], int], most: int, longest: int) -> None: ...
    def split_lines(self, source: str, make: type[Line]) -> list[Line]: ...

def without_furniture(
    lines: list[Line],
    begins: Mapping[str, bool],
    is_marker: Callable[[Line], bool],
    is_address: Callable[[Line], bool],
    is_age: Callable[[Line], bool],
) -> list[Line]: ...
def sentences(
    lines: Sequence[Line],
    make: type[Sentence],
    read: Mapping[str, Token],
    words_named: Callable[[Sequence[str], int], list[tuple[int, int]]],
) -> list[Sentence]: ...
def shape_of(sentences: Sequence[Sentence], head: int, long_item: float) -> tuple[float, ...]: ...
def spans(
    sentence: Sentence,
    phrases: Iterable[tuple[int, int, float]],
    places: Mapping[str, tuple[Span, ...]],
    read: Mapping[str, Token],
    make: type[Span],
) -> list[Span]: ...
