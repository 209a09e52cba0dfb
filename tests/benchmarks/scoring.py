"""Preparing and scoring the sample article, by the compiled model and by the scikit-learn pipelines it came from.

In one process, in alternating rounds, the best round of each counts. Both prepare the text (`read_fields`) and end with
the probabilities of every topic and framing: the pipelines by `decision_function` of the topic and of the framing
pipeline, the model by `classify`, which besides decides, detects the language and makes the answer.
"""

import pickle
import time
from collections.abc import Callable, Iterator

import numpy as np

from framing.article import Article
from framing.bundle import load_bundle
from framing.fields import read_fields
from framing.model import probabilities
from tests.benchmarks.model import benchmark_model, sample_article
from tests.benchmarks.results import Result

COMMAND = "make bench BENCH=scoring"
ROUNDS = 40


def measure() -> Iterator[Result]:
    """Yield the figures."""
    files = benchmark_model()
    model, article = load_bundle(files.bundle), Article(text=sample_article())
    pipelines = pickle.loads(files.pipelines.read_bytes())  # noqa: S301  # our own, made by benchmark_model
    weights = model.weights

    def by_pipelines() -> np.ndarray:  # type: ignore[type-arg]
        fielded = [read_fields(article)]
        parts = (pipelines.topic_pipeline, pipelines.framing_pipeline)
        scores = np.hstack([part.decision_function(fielded) for part in parts])[0] * weights.scale + weights.shift
        return np.concatenate(probabilities(scores, len(model.taxonomy.topics)))

    def by_model() -> np.ndarray:  # type: ignore[type-arg]
        answer = model.classify(article, evidence=0)
        return np.array([score.probability for score in (*answer.topics, *answer.framings)])

    yield Result(
        "scoring: difference from the pipelines", float(abs(by_pipelines() - by_model()).max()), "", "<= 1e-9", COMMAND
    )
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "pipelines": (by_pipelines, 3),
        "bare": (by_model, 40),
        "evidence": (lambda: model.classify(article), 40),
    }
    seconds = _best(ways)
    yield Result("scoring: the pipelines", seconds["pipelines"] * 1e3, "ms", "", COMMAND)
    yield Result("scoring: the model", seconds["bare"] * 1e3, "ms", "", COMMAND)
    yield Result(
        "scoring: times as fast as the pipelines", seconds["pipelines"] / seconds["bare"], "times", ">= 40", COMMAND
    )
    yield Result(
        "scoring: time with evidence by time without", seconds["evidence"] / seconds["bare"], "times", "<= 2", COMMAND
    )


def _best(ways: dict[str, tuple[Callable[[], object], int]]) -> dict[str, float]:
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, (way, times) in ways.items():
            begin = time.perf_counter()
            for _ in range(times):
                way()
            best[name] = min(best[name], (time.perf_counter() - begin) / times)
    return best
