import pytest
from hypothesis import given
from hypothesis import strategies as st

from framing import compiled
from framing.article import Article, Evidence, EvidenceSpan
from framing.letters import Span
from framing.model import FramingModel
from framing.v1 import classification_service_pb2 as pb
from serving import messages

NUMBERS = st.floats(allow_nan=False) | st.just(-0.0)
PLACES = st.integers(0, 2**31 - 1)
SPANS = st.builds(Span, PLACES, PLACES)
EVIDENCE = st.builds(
    Evidence,
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["title", "text"]),
    SPANS,
    NUMBERS,
    st.lists(st.builds(EvidenceSpan, SPANS, NUMBERS), max_size=5).map(tuple),
)


@given(st.lists(EVIDENCE, max_size=4))
def test_the_compiled_writer_writes_the_messages_of_the_one_in_python(evidence: list[Evidence]) -> None:
    if not messages._WRITER:
        pytest.skip("nothing is compiled")
    ours, theirs = pb.Classification(), pb.Classification()
    ours.MergeFromString(messages._WRITER.write(evidence))
    for item in evidence:
        messages._write_evidence(theirs.evidence.add(), item, "", len)
    assert ours == theirs


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
        reply = pb.Classification()
        messages.write_classification(reply, answer, article, model, encoding)
        data = text.encode(codec)
        replies[codec] = [
            data[span.begin * size : span.end * size].decode(codec)
            for item in reply.evidence
            for span in (item.span, *(phrase.span for phrase in item.phrases))
        ]
    assert replies["utf-8"] == replies["utf-16-le"] == replies["utf-32-le"] != []
