"""Answers made up for tests of what counts them."""

from framing.article import Abstention, Classification, LabelScore

TOPICS = ("diplomacy", "defense", "conflict")
FRAMINGS = ("cooperation", "threat", "convenience", "neutral", "absent")


def answer(  # noqa: PLR0913  # what an answer may say
    *,
    language: str = "en",
    framing: str = "",
    topics: tuple[str, ...] = (),
    abstention: Abstention | None = None,
    words: int = 100,
    known_share: float = 0.75,
) -> Classification:
    """Return an answer that gives `framing` and `topics`."""
    return Classification(
        topics=tuple(LabelScore(topic, 0.5, topic in topics) for topic in TOPICS),
        framings=tuple(LabelScore(label, 0.2, label == framing) for label in FRAMINGS),
        stance="",
        abstention=abstention,
        evidence=(),
        language=language,
        credit="",
        words=words,
        known_share=known_share,
    )
