"""What `mlflow.pyfunc.load_model` calls: a bundle as a model of data frames."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from framing.article import Article
from framing.bundle import check_golden, load_bundle
from framing.model import FramingModel

COLUMNS = ("framing", "stance", "topics", "abstention", "probabilities")


class FrameModel:
    """Classifies the rows of a data frame with a column `text` and, if given, `title` and `language`."""

    def __init__(self, model: FramingModel) -> None:
        self.model = model

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return one row for each row of `frame`: framing, stance, topics and probabilities as JSON.

        `framing`, `stance` and `abstention` are empty where there is none.
        """
        del params  # MLflow passes it; the model has none
        rows = [self._classify(row) for row in frame.to_dict("records")]
        return pd.DataFrame(rows, columns=list(COLUMNS), index=frame.index)

    def _classify(self, row: dict[Any, Any]) -> tuple[str, str, str, str, str]:
        article = Article(
            **{name: row[name] for name in ("text", "title", "language") if isinstance(row.get(name), str)}
        )
        answer = self.model.classify(article, evidence=0)
        scores = {score.label: round(score.probability, 6) for score in (*answer.topics, *answer.framings)}
        topics = json.dumps(answer.selected_topics)
        return answer.framing, answer.stance, topics, answer.abstention or "", json.dumps(scores)


def _load_pyfunc(data_path: str) -> FrameModel:
    model = load_bundle(Path(data_path))
    check_golden(model, Path(data_path))
    return FrameModel(model)
