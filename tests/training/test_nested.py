import dataclasses
import io
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from framing.taxonomy import Taxonomy
from training.config import Config
from training.data import LabelledItem
from training.fit import FitResult, OutOfFold
from training.labels import Labels
from training.nested import fold_settings, nested_predictions
from training.prediction_table import folds_digest, labels_digest, prediction_table
from training.run import TrainingOutcome
from training.tracking import Tracking


def settings_of(config: Config, out_of_fold: OutOfFold, labels: Labels, taxonomy: Taxonomy, fold: int) -> object:
    calibration, decisions = list(fold_settings(config, out_of_fold, labels, taxonomy))[fold]
    return calibration.scale.tolist(), calibration.shift.tolist(), dict(decisions.topics), decisions.framing_confidence


def test_labels_of_a_fold_move_its_own_settings_nowhere(
    small_config: Config, fitted: FitResult, some_items: list[LabelledItem], taxonomy: Taxonomy
) -> None:
    labels, out_of_fold = Labels.of(some_items, taxonomy), fitted.out_of_fold
    inside = out_of_fold.fold == 1
    topics, framing = labels.topics.copy(), labels.framing.copy()
    topics[inside], framing[inside] = 1 - topics[inside], (framing[inside] + 1) % 5
    scores = out_of_fold.scores.copy()
    scores[inside] += 3
    changed, moved = Labels(topics, framing, labels.prose), dataclasses.replace(out_of_fold, scores=scores)
    before = settings_of(small_config, out_of_fold, labels, taxonomy, 1)
    assert settings_of(small_config, moved, changed, taxonomy, 1) == before
    assert settings_of(small_config, moved, changed, taxonomy, 0) != settings_of(
        small_config, out_of_fold, labels, taxonomy, 0
    )


def test_nested_probabilities_are_those_of_the_cross_calibration(
    small_config: Config, fitted: FitResult, some_items: list[LabelledItem], taxonomy: Taxonomy
) -> None:
    labels, out_of_fold = Labels.of(some_items, taxonomy), fitted.out_of_fold
    settings = list(fold_settings(small_config, out_of_fold, labels, taxonomy))
    answers = nested_predictions(out_of_fold, settings, taxonomy)
    np.testing.assert_allclose(answers.topic_probabilities, out_of_fold.topics)
    np.testing.assert_allclose(answers.framing_probabilities, out_of_fold.framings)
    confidence = np.array([decisions.framing_confidence for _, decisions in settings])[out_of_fold.fold]
    assert (answers.answered == (out_of_fold.framings.max(axis=1) >= confidence)).all()
    assert len({decisions.framing_confidence for _, decisions in settings}) > 1


@pytest.fixture(scope="module")
def table(small_config: Config, fitted: FitResult, some_items: list[LabelledItem], taxonomy: Taxonomy) -> pd.DataFrame:
    settings = list(fold_settings(small_config, fitted.out_of_fold, Labels.of(some_items, taxonomy), taxonomy))
    predictions = nested_predictions(fitted.out_of_fold, settings, taxonomy)
    return prediction_table(some_items, fitted.out_of_fold.fold, predictions, np.ones(len(some_items)), taxonomy)


def test_a_row_has_the_item_its_labels_and_its_probabilities(
    table: pd.DataFrame, some_items: list[LabelledItem]
) -> None:
    items = {item.id: item for item in some_items}
    assert list(table["item"]) == sorted(items)
    for row in table.to_dict("records")[:50]:
        item = items[row["item"]]
        assert (row["true.framing"], row["outlet"], row["story"]) == (item.framing, item.outlet, item.story)
        assert row["true.topic.defense"] == int("defense" in item.topics)
        chances = {name.removeprefix("p.framing."): row[name] for name in row if name.startswith("p.framing.")}
        assert sum(chances.values()) == pytest.approx(1)
        assert max(chances, key=chances.__getitem__) == row["given.framing"]


def test_digests_change_with_folds_and_labels_and_with_nothing_else(table: pd.DataFrame) -> None:
    folds, labels = folds_digest(table), labels_digest(table)
    other = table.assign(**{"p.topic.defense": 0.5, "title": ""})
    assert (folds_digest(other), labels_digest(other)) == (folds, labels)
    moved = table.assign(fold=(table["fold"] + 1) % 3)
    assert folds_digest(moved) != folds
    assert labels_digest(moved) == labels
    relabelled = table.assign(**{"true.framing": "neutral"})
    assert labels_digest(relabelled) != labels
    assert folds_digest(relabelled) == folds


def test_the_run_keeps_the_table_and_its_digests(outcome: TrainingOutcome, tracking: Tracking, tmp_path: Path) -> None:
    mlflow.set_tracking_uri(tracking.uri)
    path = mlflow.artifacts.download_artifacts(
        run_id=outcome.run_id, artifact_path="predictions/out_of_fold.parquet", dst_path=str(tmp_path)
    )
    kept = pd.read_parquet(io.BytesIO(Path(path).read_bytes()))
    tags = mlflow.get_run(outcome.run_id).data.tags
    assert len(kept) == outcome.report["items"]
    assert tags["framing.folds_sha256"] == folds_digest(kept)
    assert tags["framing.labels_sha256"] == labels_digest(kept)
