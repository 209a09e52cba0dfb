"""A comparison of two runs as one self-contained page, for texts in either direction."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from training.comparison import SMALLER_IS_BETTER

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: .15em .8em; text-align: end }
td:first-child, th:first-child { text-align: start } tr:nth-child(even) { background: #f5f5f5 }
.better { color: #0a6b2d } .worse { color: #b00020 } article { border-top: 1px solid #ccc; padding: .6em 0 }
article[hidden] { display: none } mark { background: #ffe38a } .text { font-size: 1.05em } .side { color: #666 }
"""
_SCRIPT = """
const pick = (id) => document.getElementById(id).value;
const show = () => { let n = 0; document.querySelectorAll('article').forEach((a) => {
  a.hidden = ['gained', 'lang', 'label', 'outlet'].some((k) => pick(k) && !a.dataset[k].split('|').includes(pick(k)));
  n += !a.hidden; }); document.getElementById('shown').textContent = n; };
document.querySelectorAll('select').forEach((s) => s.addEventListener('change', show)); show();
"""
_GAINED = {True: "gained", False: "lost", None: "neither"}


def comparison_page(before: str, after: str, report: Mapping[str, Any]) -> str:
    """Return the page for the report of `training.comparison.compare`, with evidence, on two runs of these names."""
    title = escape(f"{before} → {after}")
    return "\n".join(
        [
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>',
            f"<h1>{title}</h1>",
            f"<p>{report['items']} items of {report['stories']} stories, out of fold; {report['confidence']:.0%} "
            "intervals of the paired bootstrap over stories, one by one.</p>",
            *_table("overall", {"": report["overall"]}),
            *(line for kind, slices in report["slices"].items() for line in _table(kind, slices)),
            *_flips(report["flips"]),
            f"<script>{_SCRIPT}</script></html>",
        ]
    )


def _table(kind: str, slices: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield f"<h2>{escape(kind)}</h2><table><tr><th></th><th>items</th><th>figure</th><th>before</th><th>after</th>"
    yield "<th>difference</th><th>interval</th></tr>"
    for name, figures in slices.items():
        for figure, found in figures.items():
            if figure != "items":
                yield _row(name, figures.get("items", ""), figure, found)
    yield "</table>"


def _row(name: str, items: object, figure: str, found: Mapping[str, float]) -> str:
    sure = found["low"] > 0 or found["high"] < 0
    better = (found["difference"] > 0) != (figure in SMALLER_IS_BETTER)
    colour = ("better" if better else "worse") if sure else ""
    return (
        f"<tr><td><bdi>{escape(name)}</bdi></td><td>{items}</td><td>{figure}</td><td>{found['before']:.4f}</td>"
        f'<td>{found["after"]:.4f}</td><td class="{colour}">{found["difference"]:+.4f}</td>'
        f"<td>[{found['low']:+.4f}, {found['high']:+.4f}]</td></tr>"
    )


def _flips(flips: list[Mapping[str, Any]]) -> Iterator[str]:
    yield f'<h2>{len(flips)} items flipped (<span id="shown"></span> shown)</h2>'
    yield "<p>Answers are out of fold; evidence is that of the shipped models, fitted on these items too.</p>"
    for name, values in (
        ("gained", [_GAINED[flip["gained"]] for flip in flips]),
        ("lang", [flip["lang"] for flip in flips]),
        ("label", [label for flip in flips for label in _labels(flip)]),
        ("outlet", [flip["outlet"] for flip in flips]),
    ):
        options = "".join(f"<option>{escape(value)}</option>" for value in sorted(set(values)) if value)
        yield f'<label>{name} <select id="{name}"><option value="">all</option>{options}</select></label>'
    for flip in flips:
        yield from _flip(flip)


def _labels(flip: Mapping[str, Any]) -> set[str]:
    return {*flip["framing"].values(), *(topic for topics in flip["topics"].values() for topic in topics)}


def _flip(flip: Mapping[str, Any]) -> Iterator[str]:
    gained = _GAINED[flip["gained"]]
    data = {"gained": gained, "lang": flip["lang"], "label": "|".join(sorted(_labels(flip))), "outlet": flip["outlet"]}
    attributes = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    framing, chance = flip["framing"], flip["probability"]
    topics = {side: ", ".join(flip["topics"][side]) or "–" for side in ("true", "before", "after")}
    colour = {"gained": "better", "lost": "worse"}.get(gained, "")
    yield f'<article {attributes}><h3 dir="auto">{escape(flip["title"]) or "(no title)"}</h3>'
    yield (
        f'<p><b class="{colour}">{gained}</b> <code>{escape(flip["item"])}</code> {flip["lang"]} '
        f"<bdi>{escape(flip['outlet'])}</bdi><br>framing <b>{framing['true']}</b>: {framing['before']} → "
        f"{framing['after']} (probability of the true one {chance['before']:.2f} → {chance['after']:.2f})"
        f"<br>topics <b>{topics['true']}</b>: {topics['before']} → {topics['after']}</p>"
    )
    for side, sentences in flip.get("evidence", {}).items():
        for sentence in sentences:
            yield (
                f'<p class="text" dir="auto"><span class="side" dir="ltr">{side}, {sentence["label"]} '
                f"{sentence['contribution']:+.2f}</span> {_marked(sentence)}</p>"
            )
    yield "</article>"


def _marked(sentence: Mapping[str, Any]) -> str:
    text, parts, at = sentence["text"], [], 0
    for begin, end in sorted(sentence["phrases"]):
        parts += [escape(text[at:begin]), f"<mark>{escape(text[begin:end])}</mark>"]
        at = end
    return "".join([*parts, escape(text[at:])])
