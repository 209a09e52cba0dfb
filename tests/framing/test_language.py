import pytest

from framing.language import detect_language
from framing.letters import normalise

TEXTS = {
    "ar": "قال المتحدث إن الوزير سيزور موسكو غدا لبحث العلاقات مع نظيره في إطار التعاون بين البلدين منذ سنوات",
    "fa": "سخنگوی وزارت خارجه گفت که وزیر فردا به مسکو می‌رود تا درباره روابط دو کشور با همتای خود گفت‌وگو کند",
    "en": "The spokesman said that the minister will travel to Moscow tomorrow for talks with his counterpart on ties",
    "ru": "Представитель министерства сообщил, что завтра министр прибудет в Москву на переговоры с коллегой по поводу связей",
    "und": "Der Sprecher sagte, der Minister werde morgen nach Moskau reisen, um mit seinem Amtskollegen zu sprechen",
}
OTHERS = [
    "Прессекретар заявив, що міністр завтра поїде на переговори зі своїм колегою про відносини між двома країнами",
    "وزیر خارجہ نے کہا کہ وہ کل ماسکو جائیں گے اور اپنے ہم منصب سے بات چیت کریں گے تاکہ تعلقات بہتر ہوں",
    "国务卿表示，部长明天将前往莫斯科举行会谈",
    "Sözcü, bakanın yarın Moskova'ya giderek mevkidaşı ile iki ülke ilişkilerini görüşeceğini söyledi",
    "",
]


@pytest.mark.parametrize(("language", "text"), TEXTS.items())
def test_served_languages_are_told_apart(language: str, text: str) -> None:
    assert detect_language(normalise(text).split()) == language


@pytest.mark.parametrize("text", OTHERS)
def test_other_languages_are_undetermined(text: str) -> None:
    assert detect_language(normalise(text).split()) == "und"


@pytest.mark.parametrize(
    ("text", "language"), [("Путин в Тегеране", "ru"), ("Putin visits Tehran", "en"), ("بزشكيان في روسيا", "ar")]
)
def test_a_short_headline_goes_by_its_script(text: str, language: str) -> None:
    assert detect_language(normalise(text).split()) == language
