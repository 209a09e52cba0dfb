"""FramingModel: an article in, a Classification out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import ge, itemgetter
from typing import Any

import numpy as np

from framing import compiled
from framing.article import Abstention, Article, Classification, Evidence, EvidenceSpan, LabelScore
from framing.errors import InvalidInput
from framing.fields import FieldedArticle, read_fields
from framing.language import SUPPORTED, language_of
from framing.letters import Span
from framing.scorer import FloatArray, LinearWeights, Scorer, Scores
from framing.taxonomy import Taxonomy
from framing.tokens import SPANS

DEFAULT_EVIDENCE = 3
PHRASES_PER_SENTENCE = 3

if compiled.COMPILED:
    _EVIDENCE = compiled.evidence.EvidenceMaker(Evidence, EvidenceSpan, Span, SPANS, PHRASES_PER_SENTENCE)


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
        self._labels = taxonomy.topic_ids + taxonomy.framing_ids
        self._thresholds = [decisions.topics[topic] for topic in taxonomy.topic_ids]

    def classify(self, article: Article, *, evidence: int = DEFAULT_EVIDENCE) -> Classification:
        """Return topics, framing and up to `evidence` sentences for each label given.

        Raises InvalidInput (TEXT_EMPTY) when neither title nor text has a visible character.
        """
        if not (article.text.strip() or article.title.strip()):
            raise InvalidInput("TEXT_EMPTY", "text", "expected a text with at least one visible character, got none")
        return self.classify_read(read_fields(article), article.language, evidence=evidence)

    def classify_read(
        self, article: FieldedArticle, language: str = "", *, evidence: int = DEFAULT_EVIDENCE
    ) -> Classification:
        """Return what `classify` returns of an `article` that is read already, in `language` if that is known."""
        scores = self._scorer.score(article)
        words = scores.words
        language = language.partition("-")[0].lower() or language_of(scores.signs, words)
        known = scores.known / max(1, words)
        values = _article_probabilities(scores.total, self._topics)
        abstention = self._abstention(words, known, language, max(values[self._topics :]))
        given = self._given(values, abstention)
        scored = _label_scores(self._labels, values, given)
        framing = next((score.label for score in scored[self._topics :] if score.selected), "")
        return Classification(
            topics=scored[: self._topics],
            framings=scored[self._topics :],
            stance=self.taxonomy.stance(framing) if framing else "",
            abstention=abstention,
            evidence=self._evidence(article, scores, given, evidence) if evidence > 0 else (),
            language=language,
            credit=article.text.credit,
            words=words,
            known_share=known,
        )

    def forget_vocabulary(self) -> None:
        """Let go of the n-grams' names, 12 MB: without them a model classifies, but cannot be saved or explained."""
        self.weights = replace(self.weights, vocabulary=())

    def _abstention(self, words: int, known: float, language: str, confidence: float) -> Abstention | None:
        if words < self.decisions.least_words:
            return Abstention.TOO_SHORT
        if language not in SUPPORTED:
            return Abstention.UNSUPPORTED_LANGUAGE
        if known < self.decisions.least_known_share:
            return Abstention.OUT_OF_DOMAIN
        if confidence < self.decisions.framing_confidence:
            return Abstention.LOW_CONFIDENCE
        return None

    def _given(self, values: list[float], abstention: Abstention | None) -> list[bool]:
        if abstention not in (None, Abstention.LOW_CONFIDENCE):
            return [False] * len(values)
        given = [*map(ge, values, self._thresholds), *[False] * (len(values) - self._topics)]
        if abstention is None:
            framings = values[self._topics :]
            given[self._topics + framings.index(max(framings))] = True
        return given

    def _evidence(
        self, article: FieldedArticle, scores: Scores, given: Sequence[bool], most: int
    ) -> Sequence[Evidence]:
        labels = [label for label, is_given in enumerate(given) if is_given]
        if compiled.COMPILED and isinstance(scores, compiled.scoring.Scores):
            return _EVIDENCE.of(scores, article.sentences, len(article.title.sentences), self._labels, labels, most)
        return tuple(
            self._sentence_evidence(article, scores, index, label)
            for label in labels
            for index in _strongest(scores.by_sentence(label), most)
        )

    def _sentence_evidence(self, article: FieldedArticle, scores: Scores, index: int, label: int) -> Evidence:
        phrases = _phrases(scores.by_word(index, label))
        span, *spans = article.prepared(index).spans(article.sentences[index], phrases)
        told = tuple(map(EvidenceSpan, spans, map(itemgetter(2), phrases)))
        return Evidence(self._labels[label], article.part(index), span, scores.by_sentence(label)[index], told)


def _strongest(values: Sequence[float], most: int) -> list[int]:
    """Return which of `values` are the greatest, and above 0, the greatest first, of equal ones the first."""
    order = sorted(range(len(values)), key=values.__getitem__, reverse=True)
    return [index for index in order[:most] if values[index] > 0]


def probabilities(scores: FloatArray, topics: int) -> tuple[FloatArray, FloatArray]:
    """Return the topics' probabilities (logistic, one by one) and the framings' (softmax) for `scores` (..., L)."""
    framings = np.exp(scores[..., topics:] - scores[..., topics:].max(axis=-1, keepdims=True))
    independent = 1.0 / (1.0 + np.exp(-np.clip(scores[..., :topics], -500, 500)))
    return independent, framings / framings.sum(axis=-1, keepdims=True)


def _label_scores(labels: tuple[str, ...], values: list[float], given: list[bool]) -> tuple[LabelScore, ...]:
    if compiled.COMPILED:
        return compiled.scoring.label_scores(LabelScore, labels, values, given)
    return tuple(map(LabelScore, labels, values, given))


def _article_probabilities(scores: list[float], topics: int) -> list[float]:
    """Return what `probabilities` returns, in one list, for one article: numpy pays only for many."""
    if compiled.COMPILED:
        return compiled.scoring.probabilities(scores, topics)
    independent = [1.0 / (1.0 + math.exp(-min(500.0, max(-500.0, score)))) for score in scores[:topics]]
    highest = max(scores[topics:])
    framings = [math.exp(score - highest) for score in scores[topics:]]
    total = sum(framings)
    return [*independent, *(framing / total for framing in framings)]


def _phrases(words: Sequence[float]) -> list[tuple[int, int, float]]:
    """Return the strongest words that speak for the label: first and last word of each run, what it adds."""
    least = sorted(words)[-PHRASES_PER_SENTENCE:][0]
    if least > 0:
        strongest = [word for word, value in enumerate(words) if value >= least]
        if len(strongest) > PHRASES_PER_SENTENCE:  # some are equal: the first of them
            strongest = sorted(sorted(strongest, key=words.__getitem__, reverse=True)[:PHRASES_PER_SENTENCE])
    else:
        strongest = [word for word, value in enumerate(words) if value > 0]
    phrases: list[tuple[int, int, float]] = []
    for word in strongest:
        if phrases and phrases[-1][1] == word - 1:
            first, _, contribution = phrases.pop()
            phrases.append((first, word, contribution + words[word]))
        else:
            phrases.append((word, word, words[word]))
    return phrases
