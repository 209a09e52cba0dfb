import pytest
from hypothesis import given
from hypothesis import strategies as st

from framing.letters import Span, fold, normalise

ALL_TEXT = st.text(st.characters())  # surrogates included
NEWS_TEXT = st.text(st.sampled_from("اأإآىيیكکةهـَُِّٰ٣۳3\u200c\u200d\u0301 \n\tабёйЁЙabcXYZﷺﻻ«»\"'´½ﬁ"), max_size=60)


@given(ALL_TEXT | NEWS_TEXT)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once


@given(ALL_TEXT | NEWS_TEXT)
def test_every_word_comes_back_from_its_place_in_the_source(text: str) -> None:
    normalised = normalise(text)
    words = normalised.text.split()
    assert len(words) == len(normalised.begins)
    for begin, word in zip(normalised.begins, words, strict=True):
        span = normalised.to_source(Span(begin, begin + len(word)))
        assert 0 <= span.begin < span.end <= len(text)
        assert fold("".join(span.of(text).split())) == word


@given(NEWS_TEXT, st.data())
def test_any_span_comes_back_in_order_and_holds_what_it_should(text: str, data: st.DataObject) -> None:
    normalised = normalise(text)
    begin = data.draw(st.integers(0, len(normalised.text)))
    end = data.draw(st.integers(begin, len(normalised.text)))
    span = normalised.to_source(Span(begin, end))
    assert 0 <= span.begin <= span.end <= len(text)
    wanted = normalised.text[begin:end].strip()
    assert wanted in normalise(span.of(text)).text
    assert bool(wanted) == (span.begin < span.end)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("مُعَاهَدَةٌ", "معاهده"),
        ("معـــاهدة", "معاهده"),
        ("أإآٱ", "اااا"),
        ("علي", "علی"),
        ("كتاب", "کتاب"),
        ("می‌رود", "میرود"),
        ("٢٠٢٥", "2025"),
        ("۲۰۲۵", "2025"),
        ("ﻣﻌﺎﻫﺪة", "معاهده"),
        ("Ёлка", "елка"),
        ("МОЙ", "мой"),
        ("за́мок", "замок"),
        ("ＡＢＣ", "abc"),
        ("KAPIKÖY Kapıköy İran", "kapiköy kapiköy iran"),
        ("\ud800", "\ufffd"),
    ],
)
def test_variants_fold_to_one_form(written: str, folded: str) -> None:
    assert normalise(written).text == folded


@pytest.mark.parametrize(
    "script", ["кириллица", "ქართული", "עברית", "日本語", "한국어", "हिन्दी", "ไทย", "ελληνικά", "Հայերեն"]
)
def test_every_script_survives(script: str) -> None:
    assert any(letter.isalpha() for letter in normalise(script).text)


def test_a_letter_inside_a_word_is_cut_with_its_marks() -> None:
    source = "قال بُوتِين"
    normalised = normalise(source)
    begin = normalised.text.index("وت")
    assert normalised.to_source(Span(begin, begin + 2)).of(source) == "وتِ"


def test_lines_are_kept_and_white_space_is_not() -> None:
    assert normalise("  a \u00a0 b\r\n\n c\u2028d ").text == "a b\nc\nd"
