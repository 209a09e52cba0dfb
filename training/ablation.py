"""What each part of a configuration is worth: changed in one thing, on the same folds, and compared item by item."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from pydantic import Field

from framing.taxonomy import Taxonomy
from training.comparison import CONFIDENCE, same_items
from training.config import Config, load_config
from training.config_files import Section, read_tables, validated
from training.data import LabelledItem
from training.fit import OutOfFold
from training.labels import Labels, framing_weights
from training.nested import fold_settings, nested_predictions
from training.prediction_table import prediction_table
from training.resampling import Difference
from training.search_config import with_settings
from training.sentence_groups import FieldName, Group
from training.trials import FIGURES, Trials

Progress = Callable[[str], None]


class Variant(Section):
    """A configuration changed in one thing.

    `config` is a configuration in place of the one compared with, for its features and classifiers; `settings` are
    values by dotted name; with `by_language` each language has models of its own; with `mask_outlets` no item's text
    has the name of its outlet in it; `groups` are groups of sentences to stand in the place of a field, by its name.
    """

    config: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    by_language: bool = False
    mask_outlets: bool = False
    groups: dict[FieldName, Group] = Field(default_factory=dict)

    def applied(self, config: Config) -> Config:
        """Return `config` with the change: its data, seed, folds and rule of decision stay."""
        if self.config:
            other = load_config(self.config)
            config = config.model_copy(
                update={name: getattr(other, name) for name in ("features", "topics", "framing")}
            )
        return with_settings(config, self.settings)


class Ablation(Section):
    """Variants by name."""

    variants: dict[str, Variant] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Worth:
    """How a variant's figures differ from those of the configuration: variant less configuration."""

    name: str
    differences: Mapping[str, Difference]


def load_ablation(name: str) -> Ablation:
    """Return the ablation shipped as `name`, or in the file at that path; ConfigError names what cannot be."""
    return validated(Ablation, *read_tables(name, ()))


def ablate(
    config: Config,
    variants: Mapping[str, Variant],
    items: Sequence[LabelledItem],
    taxonomy: Taxonomy,
    *,
    progress: Progress = lambda _: None,
) -> Iterator[Worth]:
    """Yield what each of `variants` changes in the held-out figures of `config`, with 95 % intervals over stories.

    Measured are the items that `config` learns the framing from, at its priors, whatever a variant does.
    """
    trials = Trials(config, items, taxonomy)
    progress(f"the configuration itself on {len(items)} items")
    base = _table(config, config, items, trials.out_of_fold(config), taxonomy)
    for name, variant in variants.items():
        progress(name)
        changed = variant.applied(config)
        chosen = trials.reading([_masked(item) for item in items]) if variant.mask_outlets else trials
        chosen = chosen.regrouped(variant.groups) if variant.groups else chosen
        table = _table(config, changed, items, chosen.out_of_fold(changed, by_language=variant.by_language), taxonomy)
        pair = same_items(base, table, taxonomy)
        yield Worth(name, {figure: pair.difference(figure, confidence=CONFIDENCE) for figure in FIGURES})


def ablation_lines(worths: Iterator[Worth]) -> Iterator[str]:
    """Yield the lines of a Markdown table; a difference whose interval has no zero in it is bold."""
    yield f"| variant | {' | '.join(FIGURES)} |"
    yield f"| --- |{' --- |' * len(FIGURES)}"
    for worth in worths:
        yield f"| {worth.name} | {' | '.join(_cell(worth.differences[figure]) for figure in FIGURES)} |"


def _cell(found: Difference) -> str:
    told = f"{found.difference:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
    return f"{found.after:.3f}, " + (f"**{told}**" if found.low > 0 or found.high < 0 else told)


def _table(
    base: Config, config: Config, items: Sequence[LabelledItem], scored: OutOfFold, taxonomy: Taxonomy
) -> pd.DataFrame:
    """Return the answers that the scores under `config` call for, on the items that `base` is measured on."""
    labels = Labels.of(items, taxonomy)
    predictions = nested_predictions(scored, list(fold_settings(config, scored, labels, taxonomy)), taxonomy)
    rows = labels.measured(base.framing)
    weights = framing_weights(labels.at(rows), base.framing, taxonomy)
    chosen = [items[row] for row in rows.tolist()]
    return prediction_table(chosen, scored.fold[rows], predictions.at(rows), weights, taxonomy)


def _masked(item: LabelledItem) -> LabelledItem:
    if not item.outlet.strip():
        return item
    return replace(item, title=item.title.replace(item.outlet, " "), text=item.text.replace(item.outlet, " "))
