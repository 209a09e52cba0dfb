import html.parser
import json
import re

import pytest

from framing.article import Evidence, EvidenceSpan
from framing.fields import FieldedArticle
from framing.letters import Span
from framing.taxonomy import Taxonomy
from training.config import Config
from training.data import LabelledItem
from training.error_evidence import Mistake, WrongLabel, find_mistakes
from training.error_page import error_page, segments
from training.fit import FitResult
from training.held_out import HeldOut

CANARY = "</script><script>alert(1)</script><img src=x onerror=alert(2)> & \u2028 $data"


@pytest.fixture(scope="module")
def held_out(small_config: Config, fitted: FitResult, some_items: list[LabelledItem], taxonomy: Taxonomy) -> HeldOut:
    return HeldOut.of(small_config, some_items, fitted, taxonomy)


@pytest.fixture(scope="module")
def mistakes(held_out: HeldOut, some_articles: list[FieldedArticle]) -> list[Mistake]:
    return find_mistakes(held_out, some_articles, most=60)


class Parser(html.parser.HTMLParser):
    """Remembers the elements, their attributes and what is still open."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_mistakes_are_wrong_and_come_most_confident_first(mistakes: list[Mistake]) -> None:
    confidences = [mistake.confidence for mistake in mistakes]
    assert len(mistakes) == 60
    assert confidences == sorted(confidences, reverse=True)
    for mistake in mistakes:
        given, true = {*mistake.topics, mistake.framing}, {*mistake.item.topics, mistake.item.framing}
        assert {wrong.label for wrong in mistake.wrong if wrong.given} == given - true
        assert {wrong.label for wrong in mistake.wrong if not wrong.given} == true - given


def test_the_evidence_is_that_of_the_model_that_did_not_see_the_item(
    held_out: HeldOut, mistakes: list[Mistake]
) -> None:
    """The fold's model gives the answer that stands in the table: so its evidence is for the labels given."""
    models, rows = list(held_out.fold_models()), {item.id: row for row, item in enumerate(held_out.items)}
    for mistake in mistakes[:15]:
        row = rows[mistake.item.id]
        answer = models[held_out.result.out_of_fold.fold[row]].classify(mistake.item.article)
        chances = [score.probability for score in answer.framings]
        assert chances == pytest.approx(held_out.predictions.framing_probabilities[row].tolist())
        assert {one.label for one in mistake.evidence} <= {*mistake.topics, mistake.framing}
    assert any(mistake.evidence for mistake in mistakes)


def test_segments_put_the_text_together_again_and_mark_the_evidence() -> None:
    text = "Мир. Угроза! 🙂 конец"
    phrase = EvidenceSpan(Span(5, 11), 0.5)
    found = list(segments(text, "text", [Evidence("threat", "text", Span(5, 12), 0.9, (phrase,))]))
    assert "".join(run for run, _, _ in found) == text
    assert [run for run, phrases, _ in found if phrases == {"threat": 0.5}] == ["Угроза"]
    assert [run for run, _, sentences in found if sentences] == ["Угроза", "!"]
    assert list(segments("", "title", [])) == []


def test_what_an_item_says_cannot_become_markup(mistakes: list[Mistake], taxonomy: Taxonomy) -> None:
    item = mistakes[0].item
    hostile = LabelledItem(
        **{name: getattr(item, name) for name in ("date", "topics", "framing", "groups")},
        **dict.fromkeys(("id", "lang", "title", "text", "outlet", "story", "kind", "voice"), CANARY),
    )
    mistake = Mistake(hostile, (), "threat", False, (WrongLabel("threat", True, 0.9),), ())
    page = error_page([mistake], taxonomy, title=CANARY, items=1)
    parser = Parser()
    parser.feed(page)
    assert parser.open == []
    assert [tag for tag, _ in parser.found].count("script") == 2
    assert "img" not in {tag for tag, _ in parser.found}
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert data["title"] == CANARY
    assert "".join(run for run, _, _ in data["mistakes"][0]["body"]) == CANARY


def test_the_page_needs_nothing_else_and_goes_by_the_direction_of_the_text(
    mistakes: list[Mistake], taxonomy: Taxonomy
) -> None:
    page = error_page(mistakes, taxonomy, title="t", items=9)
    parser = Parser()
    parser.feed(page)
    assert not [attributes for _, attributes in parser.found if {"src", "href"} & attributes.keys()]
    assert "default-src 'none'" in page
    assert 'part.dir = "auto"' in page
    assert "innerHTML" not in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert {row["lang"] for row in data["mistakes"]} == {"ar", "en", "fa", "ru"}
