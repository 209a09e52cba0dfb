"""Text as the models see it: an item's own words in one form of letters, with the way back.

The prepared text has no furniture, signature or wire credit (furniture.py), one form of each letter
(letters.py), bounds of sentences and quotations, and an alignment: every span of it can be cut out of the text
exactly as the caller sent it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from framing.furniture import strip_furniture
from framing.letters import Normalised, Span, join_lines, split_lines

_SENTENCE_END = re.compile(r"[.!?؟…۔]+[\"'»”)\]]*(?=\s)|\n")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(«\"“])(?:\w|[\w.]+\.\w|mr|mrs|ms|dr|gen|sen|rep|lt|col|adm|st|vs|no|inc|ltd|co|jan|feb|aug|sept?|oct|nov|dec"
    r"|им|г|гг|ул|др|пр|тыс|млн|млрд|руб|см|проф|акад|т|ст)$"
)
_LONGEST_ABBREVIATION = 8
_QUOTATION = re.compile(r"«[^«»\n]*»|“[^“”\n]*”|„[^„“”\n]*[“”]|\"[^\"\n]*\"")


@dataclass(frozen=True, slots=True)
class PreparedText:
    """What `prepare` returns.

    `text` is the prepared text; `sentences` cover it but for white space, in order; `quotations`
    include their marks and do not overlap; `credit` names the wire source, empty if there is none.
    """

    normalised: Normalised
    sentences: tuple[Span, ...]
    quotations: tuple[Span, ...]
    credit: str

    @property
    def text(self) -> str:
        """The prepared text."""
        return self.normalised.text

    def to_source(self, span: Span) -> Span:
        """Return where `span` of the prepared text stands in the text as the caller sent it."""
        return self.normalised.to_source(span)


def prepare(source: str) -> PreparedText:
    """Return `source` as the models see it. Total on any string, idempotent, linear in time."""
    body = strip_furniture(split_lines(source))
    normalised = join_lines(source, list(body.lines))
    text = normalised.text
    quotations = tuple(Span(*found.span()) for found in _QUOTATION.finditer(text))
    return PreparedText(normalised, tuple(_sentences(text)), quotations, body.credit)


def _sentences(text: str) -> Iterator[Span]:
    begin = 0
    for end in _SENTENCE_END.finditer(text):
        if end.group() == "." and _ABBREVIATION.search(
            text, max(begin, end.start() - _LONGEST_ABBREVIATION), end.start()
        ):
            continue
        stop = end.start() if end.group() == "\n" else end.end()
        if stop > begin:
            yield Span(begin, stop)
        begin = stop + 1
    if begin < len(text):
        yield Span(begin, len(text))
