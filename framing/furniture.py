"""What surrounds an item and is not its text: page furniture, channel signatures, wire found_credits.

Works on the folded lines of letters.py. Removing is a fixed point: what is left has nothing more to
remove, so preparing a prepared text changes nothing.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from framing.letters import Line, fold

MAX_FURNITURE_WORDS = 14  # a line longer than this is prose whatever it begins with
MAX_AGE_WORDS = 8
MAX_CREDIT_WORDS = 4
MAX_DATELINE_WORDS = 10

_BULLETS = re.compile(r"[^\w@#©(«\"]+")
_ADDRESS = re.compile(r"(?:\W*(?:@\w+|https?://\S+|www\.\S+|t\.me/\S+)\W*)+")
_PROSE_END = re.compile(r"[.!?؟…][\"'»”)\]]*$")
_BRACKETED = re.compile(r"[(\[/]+\s*([^()\[\]/]+?)\s*[)\]/]+[.,]?")
_DATELINE = re.compile(r"[^()]*\(\s*([^()]+?)\s*\)\s*[-–—:.]+")
_DATELINE_ENDS = ("-", "–", "—", ":", ".")


@dataclass(frozen=True, slots=True)
class Body:
    """The lines of an item that are its text, and the wire credit found around them (empty if none)."""

    lines: tuple[Line, ...]
    credit: str


@dataclass(frozen=True, slots=True)
class _Patterns:
    marker: re.Pattern[str]
    age: re.Pattern[str]
    source_mark: re.Pattern[str]
    agencies: frozenset[str]


def strip_furniture(lines: Sequence[Line]) -> Body:
    """Return the lines that are the item's text, without furniture, signature and wire credit."""
    found_credits: list[str] = []
    uncredited = [_without_line_credits(line, found_credits) for line in lines]
    kept = _without_closing_credits(_without_furniture(uncredited), found_credits)
    return Body(tuple(kept), ", ".join(dict.fromkeys(found_credits)))


def _without_furniture(lines: Sequence[Line]) -> list[Line]:
    texts = [_BULLETS.sub("", line.text, count=1) if _BULLETS.match(line.text) else line.text for line in lines]
    markers = [_is_marker(text, len(line.words)) for text, line in zip(texts, lines, strict=True)]
    end = _tail_begin(lines, markers)
    kept: list[Line] = []
    for line, text, marker in zip(lines[:end], texts, markers, strict=False):
        if not (marker or _is_address(line) or (kept and _is_age(text, line))):
            kept.append(line)
    return kept


def _is_marker(text: str, words: int) -> bool:
    return words <= MAX_FURNITURE_WORDS and _patterns().marker.match(text) is not None


def _is_address(line: Line) -> bool:
    return _ADDRESS.fullmatch(line.text) is not None if len(line.words) <= MAX_FURNITURE_WORDS else False


def _is_age(text: str, line: Line) -> bool:
    return len(line.words) <= MAX_AGE_WORDS and _patterns().age.search(text) is not None


def _tail_begin(lines: Sequence[Line], markers: Sequence[bool]) -> int:
    """Return where the closing run of short lines without a full stop, led by a marker, begins."""
    begin = len(lines)
    for index in range(len(lines) - 1, -1, -1):
        if markers[index]:
            begin = index
        elif len(lines[index].words) > MAX_FURNITURE_WORDS or _PROSE_END.search(lines[index].words[-1]):
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
    if len(line.words) <= MAX_CREDIT_WORDS:
        bracketed = _BRACKETED.fullmatch(line.text)
        if bracketed:
            return bracketed.group(1)
        if _agency(line.text):
            return line.text
    if len(line.words) <= MAX_DATELINE_WORDS and _patterns().source_mark.match(line.text):
        return line.text.partition(":")[2].strip() or line.text
    return ""


def _without_line_credits(line: Line, found_credits: list[str]) -> Line:
    """Drop "PLACE, date (AGENCY) -" before and "(AGENCY)" behind the words of a line."""
    begin, end = 0, len(line.words)
    while found := _opening_credit(line.words[begin : min(end, begin + MAX_DATELINE_WORDS + 1)]):
        begin += found[0]
        found_credits.append(found[1])
    while found := _closing_credit(line.words[max(begin, end - MAX_CREDIT_WORDS - 1) : end]):
        end -= found[0]
        found_credits.append(found[1])
    if (begin, end) == (0, len(line.words)):
        return line
    return Line(line.words[begin:end], line.begins[begin:end], line.ends[begin:end])


def _opening_credit(words: Sequence[str]) -> tuple[int, str] | None:
    """Return how many of the first words are a dateline with a credit, and the credit."""
    for count in range(1, len(words)):
        if not words[count - 1].endswith(_DATELINE_ENDS):
            continue
        dateline = _DATELINE.fullmatch(" ".join(words[:count]))
        if dateline and _agency(dateline.group(1)):
            return count, dateline.group(1)
    return None


def _closing_credit(words: Sequence[str]) -> tuple[int, str] | None:
    """Return how many of the last words are an agency in brackets, and the agency."""
    if not words or not words[-1].rstrip(".,").endswith((")", "]", "/")):
        return None
    for count in range(1, len(words)):
        bracketed = _BRACKETED.fullmatch(" ".join(words[-count:]))
        if bracketed and _agency(bracketed.group(1)):
            return count, bracketed.group(1)
    return None


def _agency(text: str) -> bool:
    return text.strip(" .()[]/-–—") in _patterns().agencies


@cache
def _patterns() -> _Patterns:
    data = tomllib.loads(resources.files("framing").joinpath("furniture.toml").read_text("utf-8"))
    markers, ages, marks = (_any_of(data[key]) for key in ("markers", "ages", "source_marks"))
    return _Patterns(
        re.compile(markers),
        re.compile(rf"(?:^|\s|\|){ages}\W*$"),
        re.compile(rf"{marks}\s*:"),
        frozenset(_fold_words(name) for name in data["agencies"]),
    )


def _any_of(patterns: Sequence[str]) -> str:
    return "(?:" + "|".join(_fold_words(pattern) for pattern in patterns) + ")"


def _fold_words(text: str) -> str:
    return " ".join(fold(word) for word in text.split(" "))
