import pytest
from hypothesis import given
from hypothesis import strategies as st

from framing.text import prepare

LINES = st.sampled_from(
    [
        "Putin met Pezeshkian. They talked.", "(Reuters)", "MOSCOW (Reuters) - Text follows.", "Read more:", "Share this",
        "هذا المحتوى مقدم من قناة", "منذ ساعتين", "قناة منذ 4 ساعات", "(رويترز)", "Источник: ТАСС", "читайте также: рост",
        "@channel", "https://example.org/a", "(x) - (y)", "2 hours ago", "x 2 hours ago (ap)", "(ap) - share this.", "!", "",
        "ادامه مطلب", "“quoted” text (AP) (AP)", "Most read", "Headline without a stop", "source: a b c",
    ]
)  # fmt: skip


@given(st.text(st.characters()) | st.lists(LINES).map("\n".join))
def test_preparing_twice_changes_nothing(text: str) -> None:
    once = prepare(text).text
    assert prepare(once).text == once


@given(st.text(st.characters()) | st.lists(LINES).map("\n".join))
def test_sentences_are_in_order_and_cover_the_text(text: str) -> None:
    prepared = prepare(text)
    assert " ".join(sentence.text for sentence in prepared.sentences) == prepared.text.replace("\n", " ")
    for sentence in prepared.sentences:
        assert sentence.size == len(sentence.words)
        assert sentence.tokens


FURNITURE = {
    "ar": "هذا المحتوى مقدم من قناة الميناء\n\nإقرأ على الموقع الرسمي\n\nالمزيد من قناة الميناء\nمنذ ساعتين\nقناة الساحل منذ 9 ساعات",
    "en": "This content is provided by Harbour Channel\nRead on the official site\nMore from Harbour Channel\n2 hours ago\n"
    "Coast News 9 hours ago\nRates rise again",
    "fa": "این محتوا توسط کانال بندر ارائه شده است\nادامه مطلب\nبیشتر بخوانید\n۲ ساعت پیش\nخبر ساحل ۹ ساعت پیش",
    "ru": "Контент предоставлен каналом «Гавань»\nЧитайте также\nБерег 9 часов назад\n2 часа назад",
}
BODY = {
    "ar": "وقع البلدان اتفاقا في موسكو.\nوقال مسؤول إن الاتفاق مهم.",
    "en": "The two sides signed an agreement in Moscow.\nAn official called it important.",
    "fa": "دو کشور در مسکو توافقی امضا کردند.\nیک مقام آن را مهم خواند.",
    "ru": "Стороны подписали соглашение в Москве.\nЧиновник назвал его важным.",
}


@pytest.mark.parametrize("language", FURNITURE)
def test_furniture_is_removed_and_the_body_is_not(language: str) -> None:
    with_furniture = prepare(BODY[language] + "\n\n\n" + FURNITURE[language])
    assert with_furniture.text == prepare(BODY[language]).text
    assert with_furniture.text.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "credit", "left"),
    [
        ("Body text here.\n\n(Reuters)", "reuters", "body text here."),
        ("نص الخبر هنا.\n(رويترز)", "رویترز", "نص الخبر هنا."),
        ("MOSCOW, Jan 17 (Reuters) - Body text here.", "reuters", "body text here."),
        ("Body text here. (AFP)", "afp", "body text here."),
        ("Текст новости здесь.\nИсточник: ТАСС", "тасс", "текст новости здесь."),
        ("The treaty (signed in January) holds.", "", "the treaty (signed in january) holds."),
    ],
)
def test_wire_credit_is_source_and_not_text(text: str, credit: str, left: str) -> None:
    prepared = prepare(text)
    assert (prepared.credit, prepared.text) == (credit, left)


def test_prose_that_begins_like_furniture_stays() -> None:
    text = (
        "Share this burden, the minister told the two allies at the long meeting in the southern port city yesterday."
    )
    assert prepare(text).text == text.lower()


def test_abbreviations_end_no_sentence() -> None:
    prepared = prepare("Gen. Petrov met Dr. Karimi at 5 p.m. in the U.S. Then they left. Who won? Nobody!")
    assert [sentence.text for sentence in prepared.sentences][-2:] == ["who won?", "nobody!"]


def test_the_sample_keeps_its_body_only(sample: str) -> None:
    prepared = prepare(sample)
    assert prepared.credit == "رویترز"
    last = prepared.spans(prepared.sentences[-1], ())[0].of(sample)
    assert last.endswith("مع تولي إدارة جديدة الحكم هناك.")
