"""What a fitted model's folds say of it: nested out-of-fold answers, their report, and the models that gave them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from framing.model import Decisions, FramingModel
from framing.taxonomy import Taxonomy
from training.beside import beside
from training.calibration import Calibration
from training.config import Config
from training.data import LabelledItem
from training.evaluate import Report, build_report
from training.fit import FitResult, compile_weights
from training.labels import Labels, framing_weights
from training.metrics import Indices, Matrix, Predictions
from training.nested import fold_settings, nested_predictions
from training.prediction_table import prediction_table


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The out-of-fold answers of `result` to items it was fitted on, at the configured prior of the framings.

    They are about the items that are measured on: `rows` of all, which `items` and the arrays follow.
    `settings` are each fold's calibration and thresholds, which the other folds called for; `weights` (n,) bring
    the framings to their prior.
    """

    config: Config
    rows: Indices
    items: Sequence[LabelledItem]
    result: FitResult
    taxonomy: Taxonomy
    labels: Labels
    weights: Matrix
    settings: tuple[tuple[Calibration, Decisions], ...]
    predictions: Predictions

    @classmethod
    def of(cls, config: Config, items: Sequence[LabelledItem], result: FitResult, taxonomy: Taxonomy) -> "HeldOut":
        """Return the out-of-fold answers of `result`, which was fitted on `items`."""
        labels = Labels.of(items, taxonomy)
        settings = tuple(fold_settings(config, result.out_of_fold, labels, taxonomy, result.calibrations))
        rows = labels.measured(config.framing)
        return cls(
            config=config,
            rows=rows,
            items=[items[row] for row in rows.tolist()],
            result=replace(result, out_of_fold=result.out_of_fold.at(rows)),
            taxonomy=taxonomy,
            labels=labels.at(rows),
            weights=framing_weights(labels.at(rows), config.framing, taxonomy),
            settings=settings,
            predictions=nested_predictions(result.out_of_fold, settings, taxonomy).at(rows),
        )

    def report(self) -> Report:
        """Return the report on the answers."""
        return build_report(self.items, self.predictions, self.taxonomy, self.weights, aside=beside)

    def table(self) -> pd.DataFrame:
        """Return the answers as a table, one row an item."""
        return prediction_table(self.items, self.result.out_of_fold.fold, self.predictions, self.weights, self.taxonomy)

    def fold_models(self) -> Iterator[FramingModel]:
        """Yield the model of each fold, which never saw the fold; it withholds no framing for want of confidence."""
        for pipelines, (calibration, decisions) in zip(self.result.folds, self.settings, strict=True):
            yield FramingModel(
                self.taxonomy, compile_weights(pipelines, calibration), replace(decisions, framing_confidence=0.0)
            )
