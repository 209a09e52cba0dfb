import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from framing.letters import fold, normalise, source_span

ALL_TEXT = st.text(st.characters())  # surrogates included
NEWS_TEXT = st.text(st.sampled_from("اأإآىيیكکةهـَُِّٰ٣۳3\u200c\u200d\u0301 \n\tабёйЁЙabcXYZﷺﻻ«»\"'´½ﬁ"), max_size=60)


@given(ALL_TEXT | NEWS_TEXT)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(NEWS_TEXT, st.data())
def test_any_part_of_a_word_comes_back_from_where_it_stands(text: str, data: st.DataObject) -> None:
    word = "".join(text.split())
    folded = fold(word)
    assume(folded)
    begin = data.draw(st.integers(0, len(folded) - 1))
    end = data.draw(st.integers(begin + 1, len(folded)))
    span = source_span(word, begin, end)
    assert 0 <= span.begin < span.end <= len(word)
    assert folded[begin:end] in fold(span.of(word))


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
    assert normalise(written) == folded


@pytest.mark.parametrize(
    "script", ["кириллица", "ქართული", "עברית", "日本語", "한국어", "हिन्दी", "ไทย", "ελληνικά", "Հայերեն"]
)
def test_every_script_survives(script: str) -> None:
    assert any(letter.isalpha() for letter in normalise(script))


def test_a_letter_inside_a_word_is_cut_with_its_marks() -> None:
    word = "بُوتِين"
    begin = fold(word).index("وت")
    assert source_span(word, begin, begin + 2).of(word) == "وتِ"


def test_lines_are_kept_and_white_space_is_not() -> None:
    assert normalise("  a \u00a0 b\r\n\n c\u2028d ") == "a b\nc\nd"
