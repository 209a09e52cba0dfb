import itertools
from pathlib import Path

import pytest
from mlflow import MlflowClient

from framing.bundle import load_bundle
from training.config import Config, Folds, Reports
from training.data import LabelledItem
from training.learning_curve import SHARES, learning_curve, rows_of_share
from training.run import read_all, train
from training.tracking import Tracking, fetch_bundle


def test_a_smaller_share_is_part_of_a_larger_one_and_stories_stay_whole(some_items: list[LabelledItem]) -> None:
    parts = [set(rows_of_share(some_items, share).tolist()) for share in SHARES]
    assert all(smaller < larger for smaller, larger in itertools.pairwise(parts))
    assert parts[-1] == set(range(len(some_items)))
    half = {some_items[row].story for row in parts[1]}
    assert not half & {some_items[row].story for row in parts[-1] - parts[1]}


def test_each_share_is_fitted_and_measured(small_config: Config, some_items: list[LabelledItem]) -> None:
    tiny = small_config.model_copy(update={"features": small_config.features.model_copy(update={"most_ngrams": 500})})
    items = some_items[:200]
    first, second = learning_curve(tiny, items, read_all(items), shares=(0.5, 1.0))
    assert (first.share, second.share) == (0.5, 1.0)
    assert first.items < second.items == 200
    assert [point.held_out["items"] for point in (first, second)] == [first.items, 200]
    assert first.model.weights.vocabulary != second.model.weights.vocabulary


def test_a_run_logs_its_curve_when_asked(
    run_config: Config, few: Path, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.run.SHARES", (0.5, 1.0))
    config = run_config.model_copy(
        update={
            "reports": Reports(learning_curve=True),
            "data": run_config.data.model_copy(update={"paths": (str(few),)}),
            "folds": Folds(count=2),
        }
    )
    outcome = train(config, Tracking(store, experiment="framing", model="framing"), progress=lambda _: None)
    client = MlflowClient(store, store)
    steps = client.get_metric_history(outcome.run_id, "with_fewer_items/framing_f1_macro")
    assert [metric.step for metric in steps] == sorted({metric.step for metric in steps})
    assert len(steps) == 2
    assert (steps[-1].step, steps[-1].value) == (outcome.report["items"], outcome.report["framing"]["f1_macro"])
    assert "pictures/learning_curve.png" in {item.path for item in client.list_artifacts(outcome.run_id, "pictures")}
    assert "reports" not in load_bundle(fetch_bundle(store, "models:/framing/1", tmp_path / "curve")).info["config"]
