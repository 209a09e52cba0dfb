"""The error page: mistakes as one HTML file that needs nothing else, for people to read and filter.

Texts stand in the page as JSON, in which no "<" is left, and its script shows them as text only: what an item says can
neither end the script nor become markup.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from itertools import pairwise
from string import Template
from typing import Any

from framing.article import Evidence, Part
from framing.letters import Span
from framing.taxonomy import Taxonomy
from training.error_evidence import Mistake

Segment = list[Any]
"""A run of text, then the labels for which it is a phrase of evidence, then those of whose sentences it is part."""


def error_page(mistakes: Sequence[Mistake], taxonomy: Taxonomy, *, title: str, items: int) -> str:
    """Return the page on `mistakes` among `items` items; `title` says which run made them."""
    data = {
        "title": title,
        "items": items,
        "topics": list(taxonomy.topic_ids),
        "framings": list(taxonomy.framing_ids),
        "mistakes": [_row(mistake) for mistake in mistakes],
    }
    template = Template(resources.files("training").joinpath("error_page.html").read_text("utf-8"))
    return template.substitute(data=_script_safe(data))


def segments(text: str, part: Part, evidence: Sequence[Evidence]) -> Iterator[Segment]:
    """Yield `text` cut where evidence begins and ends, each run with the labels it speaks for."""
    found = [one for one in evidence if one.part == part]
    spans = [one.span for one in found] + [phrase.span for one in found for phrase in one.phrases]
    cuts = sorted({0, len(text)} | {place for span in spans for place in (span.begin, span.end)})
    for begin, end in pairwise(cuts):
        run = Span(begin, end)
        phrases = {
            one.label: round(phrase.contribution, 2)
            for one in found
            for phrase in one.phrases
            if _within(run, phrase.span)
        }
        yield [text[begin:end], phrases, [one.label for one in found if _within(run, one.span)]]


def _row(mistake: Mistake) -> Mapping[str, Any]:
    item = mistake.item
    return {
        "id": item.id,
        "lang": item.lang,
        "outlet": item.outlet,
        "kind": item.kind,
        "story": item.story,
        "true": [*item.topics, item.framing],
        "given": [*mistake.topics, mistake.framing],
        "withheld": mistake.withheld,
        "wrong": [[wrong.label, wrong.given, round(wrong.confidence, 3)] for wrong in mistake.wrong],
        "confidence": round(mistake.confidence, 3),
        "head": list(segments(item.title, "title", mistake.evidence)),
        "body": list(segments(item.text, "text", mistake.evidence)),
    }


def _within(inner: Span, outer: Span) -> bool:
    return outer.begin <= inner.begin and inner.end <= outer.end


def _script_safe(data: Mapping[str, Any]) -> str:
    """Return `data` as JSON that stays inside a script element whatever it holds."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode("utf-8")
    for character in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
