"""Between protocol buffers and the domain: all validation of requests, all making of replies."""

import contextlib
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from urllib.parse import urlsplit

from google.protobuf.message import Message

from framing import compiled
from framing.article import Abstention, Article, Classification, Evidence, LabelScore
from framing.errors import InvalidInput
from framing.language import SUPPORTED
from framing.letters import Span
from framing.model import DEFAULT_EVIDENCE, FramingModel
from framing.taxonomy import Label
from framing.v1 import classification_service_pb2 as pb
from serving.updates import Problem, SwapOutcome

MAX_TITLE = 2_000
MAX_FIELD = 500
MAX_URL = 2_000
MAX_EVIDENCE = 20

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # years 1 and 9999
_PARTS = {"title": pb.ARTICLE_PART_TITLE, "text": pb.ARTICLE_PART_TEXT}
_STANCES = {
    "favourable": pb.STANCE_FAVOURABLE,
    "critical": pb.STANCE_CRITICAL,
    "neutral": pb.STANCE_NEUTRAL,
    "none": pb.STANCE_NONE,
}
_ABSTENTIONS = {reason: pb.AbstentionReason.Value(f"ABSTENTION_REASON_{reason}") for reason in Abstention}
_WIDTHS: dict[int, Callable[[str], int]] = {
    pb.OFFSET_ENCODING_UNSPECIFIED: len,
    pb.OFFSET_ENCODING_UNICODE_CODE_POINTS: len,
    pb.OFFSET_ENCODING_UTF8_BYTES: lambda text: len(text.encode("utf-8")),
    pb.OFFSET_ENCODING_UTF16_CODE_UNITS: lambda text: len(text.encode("utf-16-le")) // 2,
}


def _field_numbers() -> dict[str, int]:
    """Return the numbers of the fields of an answer, as the API has them, by message and field."""
    messages: tuple[type[Message], ...] = (
        pb.ClassifyArticleResponse, pb.Classification, pb.LabelScore, pb.Abstention,
        pb.Evidence, pb.EvidencePhrase, pb.Span,
    )  # fmt: skip
    return {
        f"{message.DESCRIPTOR.name}.{field.name}": field.number
        for message in messages
        for field in message.DESCRIPTOR.fields
    }


_WRITER: "AnswerWriter | None" = None
if compiled.COMPILED:
    with contextlib.suppress(ImportError):
        from serving._messages import AnswerWriter

        _WRITER = AnswerWriter(_field_numbers(), _PARTS)


def read_article(message: pb.Article, path: str, *, max_text: int) -> Article:
    """Return the article in `message`; InvalidInput that names the field below `path` and the reason."""
    text, title = message.text, message.title  # each look at a field decodes it anew
    if not (text.strip() or title.strip()):
        raise InvalidInput(
            "TEXT_EMPTY", f"{path}.text", "expected a text with at least one visible character, got none"
        )
    _check_length(text, max_text, "TEXT_TOO_LONG", f"{path}.text")
    _check_length(title, MAX_TITLE, "TITLE_TOO_LONG", f"{path}.title")
    _check_length(message.outlet, MAX_FIELD, "FIELD_TOO_LONG", f"{path}.outlet")
    _check_url(message.url, f"{path}.url")
    if message.language and not _TAG.fullmatch(message.language):
        given = message.language[:40]
        raise InvalidInput("LANGUAGE_INVALID", f"{path}.language", f"expected a BCP 47 tag such as ar, got {given!r}")
    if message.HasField("publish_time"):
        _check_time(message.publish_time.seconds, message.publish_time.nanos, f"{path}.publish_time")
    return Article(text=text, title=title, language=message.language, outlet=message.outlet, url=message.url)


def require_article(request: pb.ClassifyArticleRequest | pb.StreamClassifyArticlesRequest) -> pb.Article:
    """Return the article of `request`; InvalidInput if it has none."""
    if not request.HasField("article"):
        raise InvalidInput("ARTICLE_MISSING", "article", "expected an article, got none")
    return request.article


def check_batch(count: int, most: int, *, field: str = "articles") -> None:
    """Raise InvalidInput, naming `field`, unless a batch of `count` articles is allowed."""
    if count == 0:
        raise InvalidInput("BATCH_EMPTY", field, "expected at least one article, got none")
    if count > most:
        raise InvalidInput("BATCH_TOO_LARGE", field, f"expected at most {most} articles, got {count}")


def read_options(options: pb.ClassificationOptions) -> tuple[int, int]:
    """Return how many sentences of evidence are wanted and the encoding of offsets."""
    evidence = options.max_evidence if options.HasField("max_evidence") else DEFAULT_EVIDENCE
    if not 0 <= evidence <= MAX_EVIDENCE:
        message = f"expected 0 to {MAX_EVIDENCE} sentences, got {evidence}"
        raise InvalidInput("EVIDENCE_INVALID", "options.max_evidence", message)
    if options.offset_encoding not in _WIDTHS:
        message = f"expected a value of OffsetEncoding, got {options.offset_encoding}"
        raise InvalidInput("EVIDENCE_INVALID", "options.offset_encoding", message)
    return evidence, options.offset_encoding


def write_answer(answer: Classification, article: Article, model: FramingModel, encoding: int) -> bytes:
    """Return a ClassifyArticleResponse with `answer` about `article`, offsets in `encoding`, as bytes.

    Those of a StreamClassifyArticlesResponse are the same, and those of a BatchClassifyArticlesResponse are these, one
    after the other: the answer is field 1 of all three.
    """
    stance = _STANCES.get(answer.stance, pb.STANCE_UNSPECIFIED)
    abstention = _ABSTENTIONS[answer.abstention] if answer.abstention else pb.ABSTENTION_REASON_UNSPECIFIED
    width = _WIDTHS[encoding]
    if _WRITER and width is len and not (answer.evidence and isinstance(answer.evidence, tuple)):
        return _WRITER.write(answer, stance, abstention, model.version, model.taxonomy.version)
    reply = pb.ClassifyArticleResponse()
    message = reply.classification
    message.stance = stance
    if abstention:
        message.abstention.reason = abstention
    message.language, message.credit = answer.language, answer.credit
    message.model_version, message.taxonomy_version = model.version, model.taxonomy.version
    _write_scores(message.topics.add, answer.topics)
    _write_scores(message.framings.add, answer.framings)
    for item in answer.evidence:
        _write_evidence(message.evidence.add(), item, article.part(item.part), width)
    return reply.SerializeToString()


def write_model_info(model: FramingModel, loaded: datetime) -> pb.GetModelInfoResponse:
    """Return what there is to say about `model`, serving since `loaded`."""
    decisions, taxonomy = model.decisions, model.taxonomy
    reply = pb.GetModelInfoResponse(
        model_version=model.version,
        taxonomy_version=taxonomy.version,
        topics=[_label(label, decisions.topics[label.id]) for label in taxonomy.topics],
        framings=[_label(label, decisions.framing_confidence) for label in taxonomy.framings],
        languages=SUPPORTED,
        run_id=model.info.get("run_id", ""),
        corpus_digest=model.info.get("corpus_sha256", ""),
    )
    reply.load_time.FromDatetime(loaded)
    return reply


def write_pending_update(outcome: SwapOutcome) -> pb.PendingUpdate:
    """Return why the version of `outcome`, which has a problem, does not answer."""
    of_the_version = outcome.problem in (Problem.BUNDLE_INVALID, Problem.TAXONOMY_CHANGED)
    reply = pb.PendingUpdate(
        model_version=outcome.version,
        problem=pb.UpdateProblem.Value(f"UPDATE_PROBLEM_{outcome.problem}"),
        detail=outcome.detail if of_the_version else "",  # others may name hosts of ours
    )
    reply.time.FromNanoseconds(int(outcome.time * 1e9))
    return reply


def _check_length(value: str, most: int, reason: str, path: str) -> None:
    if len(value) > most:
        raise InvalidInput(reason, path, f"expected at most {most} code points, got {len(value)}")


def _check_url(url: str, path: str) -> None:
    if not url:
        return
    _check_length(url, MAX_URL, "URL_INVALID", path)
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidInput("URL_INVALID", path, "expected an absolute http or https address")


def _check_time(seconds: int, nanos: int, path: str) -> None:
    if not (_FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos < 1_000_000_000):
        message = f"expected a time from year 1 to year 9999, got {seconds} s, {nanos} ns"
        raise InvalidInput("PUBLISH_TIME_INVALID", path, message)


def _write_scores(add: Callable[[], pb.LabelScore], scores: Iterable[LabelScore]) -> None:
    """Write `scores` into messages that `add` makes, field by field: that takes half of what keywords take."""
    for label, probability, selected in scores:
        message = add()
        message.label = label
        message.probability = probability
        message.selected = selected


def _write_evidence(message: pb.Evidence, item: Evidence, text: str, width: Callable[[str], int]) -> None:
    """Write `item` into `message`, field by field: twice as fast as making messages and copying them in."""
    message.label = item.label
    message.part = _PARTS[item.part]
    message.contribution = item.contribution
    message.span.begin, message.span.end = _measured(item.span, text, width)
    add = message.phrases.add
    for span, contribution in item.phrases:
        phrase = add()
        phrase.contribution = contribution
        place = phrase.span
        place.begin, place.end = span if width is len else _measured(span, text, width)


def _measured(span: Span, text: str, width: Callable[[str], int]) -> tuple[int, int]:
    """Return `span` of `text` in units of `width`."""
    if width is len:
        return span
    begin = width(text[: span.begin])
    return begin, begin + width(span.of(text))


def _label(label: Label, threshold: float) -> pb.LabelInfo:
    stance = _STANCES.get(label.stance, pb.STANCE_UNSPECIFIED)
    return pb.LabelInfo(
        label=label.id, names=label.names, definition=label.definition, threshold=threshold, stance=stance
    )
