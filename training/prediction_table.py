"""Out-of-fold predictions as a table, one row an item, and digests that say which tables may be compared.

Columns: `item`, `story`, `lang`, `kind`, `voice`, `outlet`, `title`, `words` (number of them in title and text),
`fold`, `weight` (what brings the framings to the configured prior; mean 1); for each topic `true.topic.T`,
`given.topic.T` (0 or 1) and `p.topic.T`; `true.framing`, `given.framing` (the likeliest), `answered` (whether it was
sure enough to be given) and, for each framing, `p.framing.F`. Probabilities are calibrated; every figure of
an item comes from the other folds. Rows are sorted by `item`.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence

import pandas as pd

from framing.taxonomy import Taxonomy
from training.data import LabelledItem, word_count
from training.labels import Labels
from training.metrics import Indices, Matrix, Predictions

PREDICTIONS_PATH = "predictions/out_of_fold.parquet"  # in a run's artifacts


def prediction_table(
    items: Sequence[LabelledItem], fold: Indices, predictions: Predictions, weights: Matrix, taxonomy: Taxonomy
) -> pd.DataFrame:
    """Return `predictions` for `items` as a table."""
    labels = Labels.of(items, taxonomy)
    table = pd.DataFrame(
        {
            "item": [item.id for item in items],
            **{name: [getattr(item, name) for item in items] for name in ("story", "lang", "kind", "voice", "outlet")},
            "title": [item.title for item in items],
            "words": [word_count(item) for item in items],
            "fold": fold,
            "weight": weights,
            **_topic_columns(labels, predictions, taxonomy),
            "true.framing": [item.framing for item in items],
            "given.framing": [taxonomy.framing_ids[index] for index in predictions.framing],
            "answered": predictions.answered,
            **{
                f"p.framing.{framing}": predictions.framing_probabilities[:, column]
                for column, framing in enumerate(taxonomy.framing_ids)
            },
        }
    )
    return table.sort_values("item", ignore_index=True)


def folds_digest(table: pd.DataFrame) -> str:
    """Return the SHA-256 digest of which item is in which fold."""
    return _digest(table[["item", "fold"]].itertuples(index=False))


def labels_digest(table: pd.DataFrame) -> str:
    """Return the SHA-256 digest of the items' true labels."""
    return _digest(table[["item", *(name for name in table if name.startswith("true."))]].itertuples(index=False))


def _digest(rows: Iterable[Sequence[object]]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([str(value) for value in row], ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _topic_columns(labels: Labels, predictions: Predictions, taxonomy: Taxonomy) -> dict[str, object]:
    columns: dict[str, object] = {}
    for column, topic in enumerate(taxonomy.topic_ids):
        columns[f"true.topic.{topic}"] = labels.topics[:, column]
        columns[f"given.topic.{topic}"] = predictions.topics[:, column]
        columns[f"p.topic.{topic}"] = predictions.topic_probabilities[:, column]
    return columns
