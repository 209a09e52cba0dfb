import pytest
from hypothesis import given
from hypothesis import strategies as st

from framing.article import Article
from framing.countries import BOTH, IRAN, RUSSIA, countries_named
from framing.fields import SHAPE, read_fields
from framing.letters import fold, normalise
from framing.tokens import words_of

PIECES = st.sampled_from(
    [
        " ",
        "  ",
        "\n",
        "\r\n",
        "(Reuters) - ",
        " (AP)",
        "Putin",
        "إيران",
        "ك\u200c",
        "\u200f",
        "S-300. ",
        "«x» ",
        "!",
        "Share this\n",
        "ﷺ",
    ]
)


@pytest.mark.parametrize(
    ("word", "countries"),
    [
        ("Iranian", IRAN), ("Тегерана", IRAN), ("والإيرانية", IRAN), ("ایران", IRAN), ("بطهران", IRAN),
        ("Moscow's", RUSSIA), ("российский", RUSSIA), ("الروسي", RUSSIA), ("روسیه", RUSSIA), ("لموسكو", RUSSIA),
        ("Persian", 0), ("روسای", 0), ("رئيسي", 0), ("Prussia", 0), ("عروس", 0),
    ],
)  # fmt: skip
def test_the_countries_are_known_by_their_names(word: str, countries: int) -> None:
    assert countries_named(fold(word).partition("'")[0]) == countries


def test_headline_and_lead_are_the_head_with_and_without_a_title() -> None:
    separate = read_fields(Article(title="Putin meets Pezeshkian", text="They met in Moscow. Rain fell. It stopped."))
    together = read_fields(Article(text="Putin meets Pezeshkian\nThey met in Moscow. Rain fell. It stopped."))
    assert (
        [list(field) for field in separate.members]
        == [list(field) for field in together.members]
        == [[0, 1, 2, 3], [0, 1], [0]]
    )
    assert separate.shape == together.shape


def test_a_sentence_with_both_countries_is_in_the_pair_field() -> None:
    fielded = read_fields(Article(text="Rain fell.\nIran and Russia signed.\nIran left."))
    assert [sentence.countries for sentence in fielded.sentences] == [0, BOTH, IRAN]
    assert fielded.members[2] == [1]
    shape = dict(zip(SHAPE, fielded.shape, strict=True))
    assert (shape["pair_in_headline"], shape["pair_in_head"], shape["near_in_head"]) == (0, 1, 1)
    assert shape["pair_share"] == pytest.approx(1 / 3)


def test_numbers_are_all_alike() -> None:
    assert read_fields(Article(text="In 2025 and ٢٠٠١ S-300")).sentences[0].words == ("in", "0", "and", "0", "s", "0")


@given(st.text(st.characters()) | st.lists(PIECES).map("".join), st.text(max_size=20))
def test_words_and_sentences_are_found_again_where_they_stand(text: str, title: str) -> None:
    article = Article(text=text, title=title)
    fielded = read_fields(article)
    for index, sentence in enumerate(fielded.sentences):
        source, prepared = article.part(fielded.part(index)), fielded.prepared(index)
        whole, *spans = prepared.spans(sentence, [(number, number, 0.0) for number in range(sentence.size)])
        assert normalise(whole.of(source)) == sentence.text
        for span, word in zip(spans, sentence.words, strict=True):
            assert 0 <= span.begin < span.end <= len(source)
            assert word in words_of(fold(span.of(source)))


def test_a_word_is_cut_from_the_text_as_it_was_sent() -> None:
    text = "\u200f قال بُوتين، :  (إيران ٢٠٢٥)"
    prepared = read_fields(Article(text=text)).text
    sentence = prepared.sentences[0]
    whole, *spans = prepared.spans(sentence, [(0, 0, 0.0), (1, 1, 0.0), (2, 2, 0.0), (3, 3, 0.0), (1, 2, 0.0)])
    assert [span.of(text) for span in spans] == ["قال", "بُوتين", "إيران", "٢٠٢٥", "بُوتين، :  (إيران"]
    assert whole.of(text) == text[2:]


@pytest.mark.parametrize("text", ["", "!!!", "\n\n", "\ud800"])
def test_an_article_without_words_has_empty_fields(text: str) -> None:
    fielded = read_fields(Article(text=text))
    assert len(fielded.shape) == len(SHAPE)
    assert sum(len(sentence.words) for sentence in fielded.sentences) == 0
