import gc
import weakref
from dataclasses import replace

import pytest

from framing.article import Abstention, Article
from framing.errors import InvalidInput
from framing.fields import read_fields
from framing.model import FramingModel
from training.data import LabelledItem

TEXT = (
    "Moscow and Tehran sign a treaty on military cooperation\nThe presidents of Russia and Iran signed the treaty. "
    "Officials in Moscow praised the friendship. Rain is expected in the north on Friday."
)


def test_the_answer_has_every_label_in_order(model: FramingModel) -> None:
    answer = model.classify(Article(text=TEXT))
    assert tuple(score.label for score in answer.topics) == model.taxonomy.topic_ids
    assert tuple(score.label for score in answer.framings) == model.taxonomy.framing_ids
    assert sum(score.probability for score in answer.framings) == pytest.approx(1)
    assert sum(score.selected for score in answer.framings) == (answer.abstention is None)
    assert answer.language == "en"


def test_topics_are_given_by_their_thresholds(model: FramingModel) -> None:
    answer = model.classify(Article(text=TEXT))
    for score in answer.topics:
        assert score.selected == (score.probability >= model.decisions.topics[score.label])


def test_evidence_lies_in_the_text_and_is_sorted(model: FramingModel, some_items: list[LabelledItem]) -> None:
    for item in some_items[:60]:
        answer = model.classify(item.article, evidence=2)
        for label in {evidence.label for evidence in answer.evidence}:
            group = [evidence for evidence in answer.evidence if evidence.label == label]
            assert len(group) <= 2
            assert [e.contribution for e in group] == sorted((e.contribution for e in group), reverse=True)
        for evidence in answer.evidence:
            assert evidence.label in (*answer.selected_topics, answer.framing)
            assert evidence.contribution > 0
            part = item.article.part(evidence.part)
            assert 0 <= evidence.span.begin < evidence.span.end <= len(part)
            for phrase in evidence.phrases:
                assert evidence.span.begin <= phrase.span.begin < phrase.span.end <= evidence.span.end
                assert phrase.contribution > 0


def test_outlet_url_and_time_never_move_a_label(model: FramingModel) -> None:
    plain = model.classify(Article(text=TEXT))
    dressed = model.classify(
        Article(text=TEXT, outlet="Axis Watch", url="https://threat.example", published="2025-01-01")
    )
    assert plain == dressed


def test_stance_follows_the_framing(model: FramingModel, some_items: list[LabelledItem]) -> None:
    for item in some_items[:40]:
        answer = model.classify(item.article)
        assert answer.stance == (model.taxonomy.stance(answer.framing) if answer.framing else "")


@pytest.mark.parametrize("text", ["", "  ", "\n\t\u200b"[:2]])
def test_a_blank_article_is_refused(model: FramingModel, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        model.classify(Article(text=text))
    assert (caught.value.reason, caught.value.field) == ("TEXT_EMPTY", "text")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Hello", Abstention.TOO_SHORT),
        ("!!! ???", Abstention.TOO_SHORT),
        (
            "Der Sprecher sagte, der Minister werde morgen nach Moskau reisen, um dort Gespräche zu führen und zu essen",
            "lang",
        ),
        ("xqzv wvkk jjqx the zzxqv kkwq vvxz qqjk of wxzk vqqz xxkj zwqv kkxz", Abstention.OUT_OF_DOMAIN),
    ],
)
def test_what_the_model_does_not_know_it_says(model: FramingModel, text: str, reason: str) -> None:
    answer = model.classify(Article(text=text))
    assert answer.abstention == (Abstention.UNSUPPORTED_LANGUAGE if reason == "lang" else reason)
    assert not answer.selected_topics
    assert answer.framing == answer.stance == ""
    assert answer.evidence == ()


def test_low_confidence_withholds_the_framing_and_keeps_the_topics(model: FramingModel) -> None:
    sure = replace(model.decisions, framing_confidence=1.1)
    careful = FramingModel(model.taxonomy, model.weights, sure)
    answer = careful.classify(Article(text=TEXT))
    assert answer.abstention == Abstention.LOW_CONFIDENCE
    assert answer.framing == ""
    assert answer.selected_topics == model.classify(Article(text=TEXT)).selected_topics != ()


def test_an_article_read_already_is_answered_alike(model: FramingModel) -> None:
    for language in ("", "ru-RU"):
        article = Article(title="Moscow and Tehran", text=TEXT, language=language)
        assert model.classify_read(read_fields(article), language) == model.classify(article)


def test_a_language_the_caller_names_is_believed(model: FramingModel) -> None:
    assert model.classify(Article(text=TEXT, language="fr-CA")).abstention == Abstention.UNSUPPORTED_LANGUAGE
    assert model.classify(Article(text=TEXT, language="en-GB")).language == "en"


def test_words_read_and_known_are_told_abstention_or_not(model: FramingModel) -> None:
    foreign = model.classify(Article(text=f"xqzvk {TEXT} wvkkq", language="fr"))
    known = model.classify(Article(text=TEXT))
    assert foreign.words == known.words + 2 > 10
    assert known.known_share > foreign.known_share > 0.5
    assert model.classify(Article(text="!!!")).words == model.classify(Article(text="!!!")).known_share == 0


def test_a_model_let_go_of_is_gone_at_once_and_waits_for_no_collector(model: FramingModel) -> None:
    swapped = FramingModel(model.taxonomy, model.weights, model.decisions)
    swapped.classify(Article(text="Iran and Russia signed a treaty of partnership in Moscow."))
    alive = weakref.ref(swapped), weakref.ref(swapped._scorer), weakref.ref(swapped._scorer._rows)
    gc.disable()
    try:
        del swapped
        assert [reference() for reference in alive] == [None, None, None]
    finally:
        gc.enable()
