"""What surrounds an item and is not its text: page furniture, channel signatures, wire credits.

Works line by line on folded tokens; what a line cannot be is ruled out by its first and last tokens, since
patterns cost more than anything else here. Removing is a fixed point: what is left has nothing more to remove, so
preparing a prepared text changes nothing.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from framing import compiled
from framing.letters import fold
from framing.marks import CLOSES, MAX_AGE_WORDS, MAX_FURNITURE_WORDS, OPENS, STOPS
from framing.memo import Memo
from framing.tokens import FLAGS, TOKENS, Line

MAX_CREDIT_WORDS = 4
MAX_DATELINE_WORDS = 10

MOST_MARKERS = 1 << 12  # that are remembered: an outlet's pages all have the same

_BULLETS = re.compile(r"[^\w@#©(«\"]+")
_ADDRESS = re.compile(r"(?:\W*(?:@\w+|https?://\S+|www\.\S+|t\.me/\S+)\W*)+")
_ADDRESS_PART = re.compile(r"@|https?://|www\.|t\.me/|\A\W+\Z")
_BRACKETED = re.compile(r"[(\[/]+\s*([^()\[\]/]+?)\s*[)\]/]+[.,]?")
_DATELINE = re.compile(r"[^()]*\(\s*([^()]+?)\s*\)\s*[-–—:.]+")
_DATELINE_ENDS = ("-", "–", "—", ":", ".")


class Body(NamedTuple):
    """The lines of an item that are its text, and the wire credit found around them (empty if none)."""

    lines: Sequence[Line]
    credit: str


@dataclass(frozen=True, slots=True)
class _Patterns:
    marker: re.Pattern[str]
    marker_head: re.Pattern[str]
    age: re.Pattern[str]
    source_mark: re.Pattern[str]
    agencies: frozenset[str]


def strip_furniture(lines: Sequence[Line]) -> Body:
    """Return the lines that are the item's text, without furniture, signature and wire credit."""
    found_credits: list[str] = []
    uncredited = [
        _without_line_credits(line, found_credits) if line.flags & (OPENS | CLOSES) else line for line in lines
    ]
    kept = _without_closing_credits(_without_furniture(uncredited), found_credits)
    return Body(kept, ", ".join(dict.fromkeys(found_credits)) if found_credits else "")


def _without_furniture(lines: list[Line]) -> list[Line]:
    if compiled.COMPILED:
        return compiled.reading.without_furniture(lines, _BEGINS_FURNITURE, _is_marker, _is_address, _is_age)
    heads = [len(line.tokens) <= MAX_FURNITURE_WORDS and _BEGINS_FURNITURE[line.tokens[0]] for line in lines]
    markers = [head and _is_marker(line) for head, line in zip(heads, lines, strict=True)]
    end = _tail_begin(lines, markers)
    kept: list[Line] = []
    for line, head, marker in zip(lines[:end], heads, markers, strict=False):
        if len(line.tokens) > MAX_FURNITURE_WORDS or not (
            marker or (head and _is_address(line)) or (kept and len(line.tokens) <= MAX_AGE_WORDS and _is_age(line))
        ):
            kept.append(line)
    return kept


def _is_marker(line: Line) -> bool:
    return _MARKERS[line.text]


def _is_marked(text: str) -> bool:
    return _patterns().marker.match(_without_bullets(text)) is not None


_MARKERS = Memo(_is_marked, MOST_MARKERS)


def _is_address(line: Line) -> bool:
    return _ADDRESS.fullmatch(line.text) is not None


def _begins_furniture(token: str) -> bool:
    """Return whether a marker, an address or a bullet can begin with `token`."""
    folded = TOKENS[token].folded
    bare = _without_bullets(folded)
    return not bare or bool(_patterns().marker_head.match(bare) or _ADDRESS_PART.search(folded))


_BEGINS_FURNITURE = Memo(_begins_furniture)


def _without_bullets(text: str) -> str:
    bullets = _BULLETS.match(text)
    return text[bullets.end() :] if bullets else text


def _is_age(line: Line) -> bool:
    return _patterns().age.search(_without_bullets(line.text)) is not None


def _tail_begin(lines: Sequence[Line], markers: Sequence[bool]) -> int:
    """Return where the closing run of short lines without a full stop, led by a marker, begins."""
    begin = len(lines)
    for index in range(len(lines) - 1, -1, -1):
        tokens = lines[index].tokens
        if markers[index]:
            begin = index
        elif len(tokens) > MAX_FURNITURE_WORDS or FLAGS[tokens[-1]] & STOPS:
            break
    return begin


def _without_closing_credits(lines: list[Line], found_credits: list[str]) -> list[Line]:
    """Drop the last lines that are found_credits and nothing else."""
    end = len(lines)
    while end and (credit := _line_as_credit(lines[end - 1])):
        found_credits.append(credit)
        end -= 1
    return lines[:end]


def _line_as_credit(line: Line) -> str:
    if len(line.tokens) <= MAX_CREDIT_WORDS:
        bracketed = _BRACKETED.fullmatch(line.text)
        if bracketed:
            return bracketed.group(1)
        if _agency(line.text):
            return line.text
    if len(line.tokens) <= MAX_DATELINE_WORDS and _patterns().source_mark.match(line.text):
        return line.text.partition(":")[2].strip() or line.text
    return ""


def _without_line_credits(line: Line, found_credits: list[str]) -> Line:
    """Drop "PLACE, date (AGENCY) -" before and "(AGENCY)" behind the words of a line."""
    begin, end = 0, len(line.tokens)
    if end == 1:
        return line  # of its one token no words would be left
    while found := _opening_credit(line.tokens[begin : min(end, begin + MAX_DATELINE_WORDS + 1)]):
        begin += found[0]
        found_credits.append(found[1])
    while found := _closing_credit(line.tokens[max(begin, end - MAX_CREDIT_WORDS - 1) : end]):
        end -= found[0]
        found_credits.append(found[1])
    if (begin, end) == (0, len(line.tokens)):
        return line
    return line.cut(begin, end)


def _opening_credit(tokens: Sequence[str]) -> tuple[int, str] | None:
    """Return how many of the first tokens are a dateline with a credit, and the credit."""
    if not any(FLAGS[token] & OPENS for token in tokens):
        return None
    folded = _folded(tokens)
    for count in range(1, len(folded)):
        if not folded[count - 1].endswith(_DATELINE_ENDS):
            continue
        dateline = _DATELINE.fullmatch(" ".join(folded[:count]))
        if dateline and _agency(dateline.group(1)):
            return count, dateline.group(1)
    return None


def _closing_credit(tokens: Sequence[str]) -> tuple[int, str] | None:
    """Return how many of the last tokens are an agency in brackets, and the agency."""
    if not tokens or not FLAGS[tokens[-1]] & CLOSES:
        return None
    folded = _folded(tokens)
    for count in range(1, len(folded)):
        bracketed = _BRACKETED.fullmatch(" ".join(folded[-count:]))
        if bracketed and _agency(bracketed.group(1)):
            return count, bracketed.group(1)
    return None


def _folded(tokens: Sequence[str]) -> list[str]:
    return [TOKENS[token].folded for token in tokens]


def _agency(text: str) -> bool:
    return text.strip(" .()[]/-–—") in _patterns().agencies


@cache
def _patterns() -> _Patterns:
    data = tomllib.loads(resources.files("framing").joinpath("furniture.toml").read_text("utf-8"))
    markers, ages, marks = (_any_of(data[key]) for key in ("markers", "ages", "source_marks"))
    return _Patterns(
        re.compile(markers),
        re.compile(_any_of([_head(marker) for marker in data["markers"]])),
        re.compile(rf"(?:^|\s|\|){ages}\W*$"),
        re.compile(rf"{marks}\s*:"),
        frozenset(_fold_words(name) for name in data["agencies"]),
    )


def _any_of(patterns: Sequence[str]) -> str:
    return "(?:" + "|".join(_fold_words(pattern) for pattern in patterns) + ")"


def _head(marker: str) -> str:
    """Return the pattern of what a marker's first word begins with: what stands before its first space."""
    head = marker.partition(" ")[0]
    return head + ")" * (head.count("(") - head.count(")"))


def _fold_words(text: str) -> str:
    return " ".join(fold(word) for word in text.split(" "))
