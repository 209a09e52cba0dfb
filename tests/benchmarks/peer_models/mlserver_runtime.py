"""The pipelines as a model of MLServer, which imports this in its own environment."""

import os
from pathlib import Path

from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from tests.benchmarks.peer_models.pipelines import FittedPipelines

FOLDER = "FRAMING_BENCHMARK_FOLDER"


class PipelinesModel(MLModel):
    """Answers the tensor ``text`` with the tensor ``probabilities``."""

    async def load(self) -> bool:
        """Load the pipelines."""
        self._pipelines = FittedPipelines(Path(os.environ[FOLDER]))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer one request."""
        texts = StringCodec.decode_input(payload.inputs[0])
        rows = self._pipelines.predict(texts)
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("probabilities", rows)])
