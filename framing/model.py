"""FramingModel: an article in, a Classification out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from framing.article import Abstention, Article, Classification, Evidence, EvidenceSpan, LabelScore
from framing.errors import InvalidInput
from framing.fields import FieldedArticle, read_fields
from framing.language import SUPPORTED, detect_language
from framing.letters import Span
from framing.scorer import FloatArray, LinearWeights, Scorer, Scores
from framing.taxonomy import Taxonomy

DEFAULT_EVIDENCE = 3
PHRASES_PER_SENTENCE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """The thresholds that turn probabilities into an answer.

    `topics` holds for each topic the least probability at which it is given. A framing is given when
    its probability is at least `framing_confidence`. An article of fewer than `least_words` words, or with less than
    `least_known_share` of its words known from training, gets no label.
    """

    topics: Mapping[str, float]
    framing_confidence: float
    least_words: int = 3
    least_known_share: float = 0.2


class FramingModel:
    """A fitted model: text preparation, two linear classifiers, calibration, thresholds, abstention.

    Thread-safe. `version` is the registry's version or the bundle's digest, as the source knows it;
    `info` says where the model comes from.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        weights: LinearWeights,
        decisions: Decisions,
        *,
        version: str = "",
        info: Mapping[str, Any] | None = None,
    ) -> None:
        self.taxonomy = taxonomy
        self.weights = weights
        self.decisions = decisions
        self.version = version
        self.info = dict(info or {})
        self._scorer = Scorer(weights)
        self._topics = len(taxonomy.topics)

    def classify(self, article: Article, *, evidence: int = DEFAULT_EVIDENCE) -> Classification:
        """Return topics, framing and up to `evidence` sentences for each label given.

        Raises InvalidInput (TEXT_EMPTY) when neither title nor text has a visible character.
        """
        if not (article.text.strip() or article.title.strip()):
            raise InvalidInput("TEXT_EMPTY", "text", "expected a text with at least one visible character, got none")
        fielded = read_fields(article)
        scores = self._scorer.score(fielded)
        topics, framings = probabilities(scores.total, self._topics)
        words = [word for sentence in fielded.sentences for word in sentence.words]
        language = article.language.partition("-")[0].lower() or detect_language(words)
        known = self.known_share(words)
        abstention = self._abstention(len(words), known, language, framings)
        given = self._given(topics, framings, abstention)
        labels = self.taxonomy.topic_ids + self.taxonomy.framing_ids
        values = np.concatenate([topics, framings]).tolist()
        scored = tuple(LabelScore(*score) for score in zip(labels, values, given, strict=True))
        framing = next((score.label for score in scored[self._topics :] if score.selected), "")
        return Classification(
            topics=scored[: self._topics],
            framings=scored[self._topics :],
            stance=self.taxonomy.stance(framing) if framing else "",
            abstention=abstention,
            evidence=self._evidence(fielded, scores, given, evidence),
            language=language,
            credit=fielded.text.credit,
            words=len(words),
            known_share=known,
        )

    def _abstention(self, words: int, known: float, language: str, framings: FloatArray) -> Abstention | None:
        if words < self.decisions.least_words:
            return Abstention.TOO_SHORT
        if language not in SUPPORTED:
            return Abstention.UNSUPPORTED_LANGUAGE
        if known < self.decisions.least_known_share:
            return Abstention.OUT_OF_DOMAIN
        if framings.max() < self.decisions.framing_confidence:
            return Abstention.LOW_CONFIDENCE
        return None

    def known_share(self, words: Sequence[str]) -> float:
        """Return which share of `words` was met in training; 0 for no words."""
        return sum(map(self._scorer.knows, words)) / max(1, len(words))

    def _given(self, topics: FloatArray, framings: FloatArray, abstention: Abstention | None) -> list[bool]:
        if abstention not in (None, Abstention.LOW_CONFIDENCE):
            return [False] * (len(topics) + len(framings))
        thresholds = [self.decisions.topics[topic] for topic in self.taxonomy.topic_ids]
        framing = int(framings.argmax()) if abstention is None else -1
        return [*(topics >= thresholds).tolist(), *(index == framing for index in range(len(framings)))]

    def _evidence(
        self, article: FieldedArticle, scores: Scores, given: Sequence[bool], most: int
    ) -> tuple[Evidence, ...]:
        if most <= 0:
            return ()
        labels = self.taxonomy.topic_ids + self.taxonomy.framing_ids
        return tuple(
            self._sentence_evidence(
                article, int(sentence), label, float(scores.by_sentence[sentence, label]), labels[label]
            )
            for label in np.flatnonzero(given).tolist()
            for sentence in np.argsort(-scores.by_sentence[:, label], kind="stable")[:most]
            if scores.by_sentence[sentence, label] > 0
        )

    def _sentence_evidence(
        self, article: FieldedArticle, index: int, label: int, contribution: float, name: str
    ) -> Evidence:
        sentence = article.sentences[index]
        prepared = article.prepared(sentence.part)
        values = self._scorer.word_contributions(article, index, label)
        phrases = _phrases(article.word_spans(sentence), values)
        located = tuple(EvidenceSpan(prepared.to_source(phrase.span), phrase.contribution) for phrase in phrases)
        return Evidence(name, sentence.part, prepared.to_source(sentence.span), contribution, located)


def probabilities(scores: FloatArray, topics: int) -> tuple[FloatArray, FloatArray]:
    """Return the topics' probabilities (logistic, one by one) and the framings' (softmax) for `scores` (..., L)."""
    framings = np.exp(scores[..., topics:] - scores[..., topics:].max(axis=-1, keepdims=True))
    independent = 1.0 / (1.0 + np.exp(-np.clip(scores[..., :topics], -500, 500)))
    return independent, framings / framings.sum(axis=-1, keepdims=True)


def _phrases(spans: Sequence[Span], values: FloatArray) -> list[EvidenceSpan]:
    """Return the strongest words that speak for the label, adjacent ones joined, in reading order."""
    strongest = sorted(np.argsort(-values, kind="stable")[:PHRASES_PER_SENTENCE].tolist())
    phrases: list[EvidenceSpan] = []
    previous = -2
    for word in strongest:
        if values[word] <= 0:
            continue
        span, value = spans[word], float(values[word])
        if word == previous + 1 and phrases:
            joined = phrases.pop()
            span, value = Span(joined.span.begin, span.end), joined.contribution + value
        phrases.append(EvidenceSpan(span, value))
        previous = word
    return phrases
