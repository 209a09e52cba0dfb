from collections.abc import Mapping
from typing import Any

from framing.article import Classification

class AnswerWriter:
    def __init__(self, fields: Mapping[str, int], parts: Mapping[Any, int]) -> None: ...
    def write(self, answer: Classification, stance: int, abstention: int, model: str, taxonomy: str) -> bytes: ...
