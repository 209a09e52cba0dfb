"""The pipelines as a model of MLflow, which runs this file (``models from code``)."""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from tests.benchmarks.peer_models.pipelines import FittedPipelines


class PipelinesModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # mlflow has no types for it
    """Answers the column ``text`` with a row of probabilities each."""

    def load_context(self, context: Any) -> None:
        """Load the pipelines."""
        self._pipelines = FittedPipelines(Path(context.artifacts["folder"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:  # type: ignore[type-arg]
        """Answer one request."""
        del context, params
        return self._pipelines.predict(list(model_input["text"]))


mlflow.models.set_model(PipelinesModel())
