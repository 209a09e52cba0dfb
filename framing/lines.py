"""Lines of a source, as runs of its tokens."""

import numpy as np

from framing.token_table import TOKENISER, Tokens
from framing.tokens import Token


class Line:
    """`size` tokens of a source in one line, from `begin` to before `end`; `flags` is the union of theirs."""

    __slots__ = ("begin", "end", "flags", "size", "tokens")

    def __init__(self, tokens: Tokens, begin: int, end: int, flags: int) -> None:
        self.tokens = tokens
        self.begin = begin
        self.end = end
        self.flags = flags
        self.size = end - begin

    @property
    def first(self) -> Token:
        """The first token."""
        return self.tokens.token(self.begin)

    @property
    def last(self) -> Token:
        """The last token."""
        return self.tokens.token(self.end - 1)

    @property
    def text(self) -> str:
        """The folded tokens with one space between them."""
        return self.tokens.text_between(self.begin, self.end)

    def cut(self, begin: int, end: int) -> "Line":
        """Return the line from its token `begin` to before its token `end`; empty if there is none."""
        first, last = self.begin + begin, self.begin + end
        flags = int(np.bitwise_or.reduce(self.tokens.flags[first:last]))
        return Line(self.tokens, first, last, flags)


def split_lines(source: str) -> list[Line]:
    """Return the lines of `source` that have a token, without those that fold to nothing."""
    return lines_of(TOKENISER.split(source))


def lines_of(tokens: Tokens) -> list[Line]:
    """Return the lines of `tokens`."""
    begins = tokens.line_begins
    if not begins:
        return []
    flags = np.bitwise_or.reduceat(tokens.flags, begins).tolist()
    return [
        Line(tokens, begin, end, union)
        for begin, end, union in zip(begins, [*begins[1:], len(tokens.flags)], flags, strict=True)
    ]
