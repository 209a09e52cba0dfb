"""What a search found: measured again on other folds, told, and written to the search's run."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.trial import TrialState

from framing.errors import ConfigError
from framing.taxonomy import default_taxonomy
from training.ablation import Variant, ablate
from training.archive import Archive
from training.config import Config
from training.config_files import flatten
from training.data import configured_corpus
from training.resampling import Difference
from training.search import SEARCH_RUN, TRIAL_FIGURES, Progress
from training.search_config import SearchConfig, with_settings
from training.studies import open_study, shown
from training.tracking import Tracking


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What a search found: the best trial's settings, its figures on the folds by which it was chosen, and on others.

    `chosen` is optimistic: it is the greatest of many. `others` are the best trial's figures, and how they differ from
    those of the configuration that was started from, on folds of another seed, which had no part in the choice. `run`
    is the search's.
    """

    run: str
    trial: int
    config: Config
    chosen: Mapping[str, float]
    others: Mapping[str, Difference]

    def to_dict(self) -> Mapping[str, Any]:
        """Return the outcome as plain data."""
        return {
            "trial": self.trial,
            "chosen": self.chosen,
            "others": {name: found.after for name, found in self.others.items()},
            "base": {name: found.before for name, found in self.others.items()},
            "difference": {name: [found.difference, found.low, found.high] for name, found in self.others.items()},
        }

    def lines(self) -> Iterator[str]:
        """Yield the lines of a Markdown table, a figure each."""
        yield f"| | trial {self.trial}, on its folds | on others | the configuration itself there | difference |"
        yield "| --- | --- | --- | --- | --- |"
        for name, found in self.others.items():
            difference = f"{found.difference:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
            yield f"| {name} | {self.chosen[name]:.4f} | {found.after:.4f} | {found.before:.4f} | {difference} |"


def search_outcome(config: Config, search: SearchConfig, url: str, *, progress: Progress) -> SearchOutcome:
    """Return the best trial of a study that has one, measured again on folds of another seed."""
    items = configured_corpus(config.data, default_taxonomy()).items
    study = open_study(config.registry.experiment, url, search, config.seed)
    if not study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]):
        raise ConfigError(f"{shown(url)}: expected a trial of {study.study_name} that was not given up, found none")
    best = study.best_trial
    elsewhere = config.model_copy(update={"seed": config.seed + 1})
    progress(f"the best trial, {best.number}, on folds of seed {elsewhere.seed}, by which nothing was chosen")
    variants = {f"trial {best.number}": Variant(settings=best.params)}
    (worth,) = ablate(elsewhere, variants, items, default_taxonomy(), progress=progress)
    run, chosen = study.user_attrs[SEARCH_RUN], best.user_attrs[TRIAL_FIGURES]
    return SearchOutcome(run, best.number, with_settings(config, best.params), chosen, worth.differences)


def log_outcome(outcome: SearchOutcome, tracking: Tracking) -> None:
    """Write the outcome to the search's run: a table on its page, and the settings as a file."""
    archive = Archive(tracking)
    tags = {"framing.best_trial": str(outcome.trial), "mlflow.note.content": "\n".join(outcome.lines())}
    archive.write(archive.find(outcome.run), texts={"found.toml": config_text(outcome.config)}, tags=tags)


def config_text(config: Config) -> str:
    """Return `config` as a TOML file, a line for each setting."""
    settings = flatten(config.model_dump(mode="json"))
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in settings.items())
