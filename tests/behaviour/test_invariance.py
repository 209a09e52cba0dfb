"""Changes that a reader does not see, or that are none of the item's business, leave the answer as it is.

In the manner of CheckList (Ribeiro et al. 2020), invariance tests, on the model of the test session.
"""

from collections.abc import Callable

import pytest

from framing.article import Article
from framing.model import FramingModel
from training.data import LabelledItem

HARAKAT = "\u064e\u064f\u0650\u0651\u0652"
ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
FURNITURE = {
    "ar": "\n\nهذا المحتوى مقدم من قناة الساحل\nإقرأ على الموقع الرسمي\nمنذ ساعتين\nقناة البحر منذ 4 ساعات",
    "en": "\n\nThis content is provided by Coast Channel\nRead on the official site\n2 hours ago\nSea News 4 hours ago",
    "fa": "\n\nاین محتوا توسط کانال ساحل ارائه شده است\nادامه مطلب\n۲ ساعت پیش\nکانال دریا ۴ ساعت پیش",
    "ru": "\n\nКонтент предоставлен каналом «Берег»\nЧитайте также\n2 часа назад\nМоре 4 часа назад",
}


def vocalised(text: str) -> str:
    return "".join(letter + HARAKAT[ord(letter) % 5] if "ب" <= letter <= "ي" else letter for letter in text)


def lengthened(text: str) -> str:
    return "".join(letter + "ـ" if letter in "سشصضعغفقكمنهي" else letter for letter in text)


def stressed(text: str) -> str:
    return "".join(letter + "\u0301" if letter in "аоуыэю" else letter for letter in text)


CHANGES: dict[str, tuple[tuple[str, ...], Callable[[str], str]]] = {
    "vowel marks": (("ar", "fa"), vocalised),
    "tatweel": (("ar", "fa"), lengthened),
    "Persian letters in Arabic": (("ar",), lambda text: text.translate(str.maketrans("يكى", "یکی"))),
    "Arabic letters in Persian": (("fa",), lambda text: text.translate(str.maketrans("یک", "يك"))),
    "hamza left out": (("ar",), lambda text: text.translate(str.maketrans("أإآ", "ااا"))),
    "no half-spaces": (("fa",), lambda text: text.replace("\u200c", "")),
    "Arabic digits": (("ar", "fa", "en", "ru"), lambda text: text.translate(ARABIC_DIGITS)),
    "Persian digits": (("ar", "fa", "en", "ru"), lambda text: text.translate(PERSIAN_DIGITS)),
    "case": (("en", "ru"), str.upper),
    "yo": (("ru",), lambda text: text.replace("ё", "е")),
    "stress marks": (("ru",), stressed),
    "white space": (("ar", "en", "fa", "ru"), lambda text: text.replace(" ", " \u00a0 ")),
    "direction marks": (("ar", "fa"), lambda text: "\u200f" + text.replace(" ", " \u200f")),
}
CASES = [(name, language) for name, (languages, _) in CHANGES.items() for language in languages]


def answers(model: FramingModel, article: Article) -> list[float]:
    answer = model.classify(article)
    return [score.probability for score in (*answer.topics, *answer.framings)]


@pytest.mark.parametrize(("name", "language"), CASES)
def test_the_answer_stays(model: FramingModel, some_items: list[LabelledItem], name: str, language: str) -> None:
    change = CHANGES[name][1]
    spoken = [item for item in some_items if item.lang == language]
    concerned = [item for item in spoken if change(item.title + item.text) != item.title + item.text]
    assert concerned
    for item in concerned[:40]:
        other = Article(title=change(item.title), text=change(item.text), language=language)
        assert answers(model, other) == pytest.approx(answers(model, item.article), abs=1e-9)


@pytest.mark.parametrize("language", FURNITURE)
def test_furniture_says_nothing(model: FramingModel, some_items: list[LabelledItem], language: str) -> None:
    for item in [item for item in some_items if item.lang == language and item.text][:40]:
        dressed = Article(title=item.title, text=item.text + FURNITURE[language], language=language)
        assert answers(model, dressed) == pytest.approx(answers(model, item.article), abs=0.01)


def test_the_outlet_says_nothing(model: FramingModel, some_items: list[LabelledItem]) -> None:
    for item in some_items[:40]:
        for outlet in ("", "Axis Watch", "قناة الصداقة"):
            other = Article(title=item.title, text=item.text, language=item.lang, outlet=outlet)
            assert answers(model, other) == answers(model, item.article)


def test_the_sample_without_its_furniture_gets_the_same_answer(model: FramingModel, sample: str) -> None:
    bare = sample.partition("(رويترز)")[0]
    assert answers(model, Article(text=sample)) == pytest.approx(answers(model, Article(text=bare)), abs=0.01)


def test_evidence_of_the_sample_lies_in_its_body(model: FramingModel, sample: str) -> None:
    end = sample.index("(رويترز)")
    evidence = model.classify(Article(text=sample), evidence=20).evidence
    assert evidence
    assert all(item.span.end <= end for item in evidence)
