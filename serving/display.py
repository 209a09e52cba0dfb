"""Answers for people: plain lines in a terminal, evidence highlighted, right-to-left text kept whole."""

from collections.abc import Callable, Iterator

from framing.v1 import classification_service_pb2 as pb

_BOLD, _DIM, _MARK, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[1;4m", "\x1b[0m"
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"  # the first strong letter inside decides the direction
_BAR = 20

Painter = Callable[[str, str], str]

_REASONS = {
    pb.ABSTENTION_REASON_LOW_CONFIDENCE: "no framing is probable enough",
    pb.ABSTENTION_REASON_UNSUPPORTED_LANGUAGE: "the language is not one the model knows",
    pb.ABSTENTION_REASON_OUT_OF_DOMAIN: "too few of the words are known to the model",
    pb.ABSTENTION_REASON_TOO_SHORT: "the text is shorter than a headline",
}


def render(name: str, article: pb.Article, answer: pb.Classification, *, colour: bool) -> str:
    """Return the lines that tell a reader what `answer` says about `article`, which came from `name`."""
    paint = _paint if colour else _plain
    lines = [paint(name, _BOLD), *_labels(answer, paint)]
    if answer.HasField("abstention"):
        lines.append(f"  abstains: {_REASONS.get(answer.abstention.reason, 'for a reason this client does not know')}")
    for evidence in answer.evidence:
        source = article.title if evidence.part == pb.ARTICLE_PART_TITLE else article.text
        lines.append(f"  {evidence.label} {evidence.contribution:+.2f}")
        lines.append("    " + _ISOLATE + _highlighted(source, evidence, paint) + _END_ISOLATE)
    credit = f", credit: {answer.credit}" if answer.credit else ""
    footer = f"  language {answer.language}{credit}, model {answer.model_version}, taxonomy {answer.taxonomy_version}"
    return "\n".join([*lines, paint(footer, _DIM)])


def _labels(answer: pb.Classification, paint: Painter) -> Iterator[str]:
    for heading, scores in (("topics", answer.topics), ("framing", answer.framings)):
        stance = pb.Stance.Name(answer.stance).removeprefix("STANCE_").lower()
        yield f"  {heading}" + (f" (stance: {stance})" if heading == "framing" and answer.stance else "")
        for score in scores:
            bar = "█" * round(score.probability * _BAR)
            line = f"    {'✓' if score.selected else ' '} {score.label:12} {score.probability:6.1%}  {bar}"
            yield paint(line, _BOLD) if score.selected else line


def _highlighted(source: str, evidence: pb.Evidence, paint: Painter) -> str:
    pieces = []
    at = evidence.span.begin
    for phrase in evidence.phrases:
        pieces += [_printable(source[at : phrase.span.begin])]
        pieces += [paint(_printable(source[phrase.span.begin : phrase.span.end]), _MARK)]
        at = phrase.span.end
    return "".join([*pieces, _printable(source[at : evidence.span.end])])


def _printable(text: str) -> str:
    """Return `text` without the control characters that could steer a terminal, on one line."""
    letters = (" " if letter.isspace() else letter for letter in text)
    return "".join(letter for letter in letters if letter.isprintable() or letter in "\u200c\u200d")


def _paint(text: str, style: str) -> str:
    return style + text + _RESET


def _plain(text: str, style: str) -> str:
    del style
    return text
