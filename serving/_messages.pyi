from collections.abc import Iterable, Mapping
from typing import Any

from framing.article import Evidence

class EvidenceWriter:
    def __init__(self, fields: Mapping[str, int], parts: Mapping[Any, int]) -> None: ...
    def write(self, items: Iterable[Evidence]) -> bytes: ...
