"""The fitted scikit-learn pipelines as one function of texts, for servers of others to serve.

It imports nothing of a server's, ours or theirs: their environments have other versions of gRPC and protobuf.
"""

import pickle
from pathlib import Path

import numpy as np

from framing.article import Article
from framing.bundle import load_bundle
from framing.fields import read_fields
from framing.model import probabilities


class FittedPipelines:
    """The pipelines pickled in `folder`/pipelines.pkl, calibrated as the bundle in `folder`/bundle is."""

    def __init__(self, folder: Path) -> None:
        pipelines = pickle.loads((folder / "pipelines.pkl").read_bytes())  # noqa: S301  # our own, made by benchmark_model
        model = load_bundle(folder / "bundle")
        self._parts = (pipelines.topic_pipeline, pipelines.framing_pipeline)
        self._weights, self._topics = model.weights, len(model.taxonomy.topics)

    def predict(self, texts: list[str]) -> np.ndarray:  # type: ignore[type-arg]
        """Return for each of `texts` a row: the probabilities of the topics, then those of the framings."""
        fielded = [read_fields(Article(text=text)) for text in texts]
        scores = np.hstack([part.decision_function(fielded) for part in self._parts])
        calibrated = scores * self._weights.scale + self._weights.shift
        return np.array([np.concatenate(probabilities(row, self._topics)) for row in calibrated])
