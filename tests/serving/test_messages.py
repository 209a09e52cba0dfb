import pytest
from hypothesis import given
from hypothesis import strategies as st

from framing import compiled
from framing.article import Abstention, Article, Classification, LabelScore
from framing.model import FramingModel
from framing.v1 import classification_service_pb2 as pb
from serving import messages
from training.data import LabelledItem

NUMBERS = st.floats(allow_nan=False) | st.just(-0.0)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCORES = st.lists(st.builds(LabelScore, TEXTS, NUMBERS, st.booleans()), max_size=4).map(tuple)
ANSWERS = st.builds(
    Classification, topics=SCORES, framings=SCORES, stance=st.sampled_from(["", "critical", "none"]),
    abstention=st.none() | st.sampled_from(Abstention), evidence=st.just(()), language=TEXTS, credit=TEXTS,
    words=st.just(0), known_share=st.just(0.0),
)  # fmt: skip


@given(answer=ANSWERS)
def test_the_compiled_writer_writes_the_message_of_the_one_in_python(
    answer: Classification, model: FramingModel
) -> None:
    assert written(answer, Article(text=""), model) == written_in_python(answer, Article(text=""), model)


def test_the_compiled_writer_writes_the_evidence_of_the_one_in_python(
    model: FramingModel, some_items: list[LabelledItem]
) -> None:
    sentences = 0
    for item in some_items[:200]:
        answer = model.classify(item.article, evidence=20)
        ours = written(answer, item.article, model)
        assert ours == written_in_python(answer, item.article, model)
        sentences += len(ours.classification.evidence)
    assert sentences > len(some_items[:200])


def written(answer: Classification, article: Article, model: FramingModel) -> pb.ClassifyArticleResponse:
    """Return the message that is compiled where there is a compiler."""
    return pb.ClassifyArticleResponse.FromString(messages.write_answer(answer, article, model, 0))


def written_in_python(answer: Classification, article: Article, model: FramingModel) -> pb.ClassifyArticleResponse:
    """Return the message that Python makes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(messages, "_WRITER", None)
        return written(answer, article, model)


def test_it_is_compiled_where_the_scorer_is() -> None:
    assert bool(messages._WRITER) == compiled.COMPILED


def test_offsets_in_bytes_and_units_are_those_of_the_code_points(model: FramingModel) -> None:
    text = "\U0001f539 Иран и Россия подписали договор в Москве. Стороны назвали его важным."
    article = Article(text=text)
    answer = model.classify(article)
    replies = {}
    for encoding, codec, size in (
        (pb.OFFSET_ENCODING_UNICODE_CODE_POINTS, "utf-32-le", 4),
        (pb.OFFSET_ENCODING_UTF8_BYTES, "utf-8", 1),
        (pb.OFFSET_ENCODING_UTF16_CODE_UNITS, "utf-16-le", 2),
    ):
        data = messages.write_answer(answer, article, model, encoding)
        reply = pb.ClassifyArticleResponse.FromString(data).classification
        encoded = text.encode(codec)
        replies[codec] = [
            encoded[span.begin * size : span.end * size].decode(codec)
            for item in reply.evidence
            for span in (item.span, *(phrase.span for phrase in item.phrases))
        ]
    assert replies["utf-8"] == replies["utf-16-le"] == replies["utf-32-le"] != []
