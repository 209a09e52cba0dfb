"""A search for better settings: trials fold by fold, each a run under the search's, resumed from its database."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from framing.errors import ConfigError
from framing.store import state_directory
from framing.taxonomy import default_taxonomy
from training.config import Config
from training.config_files import flatten
from training.data import Corpus, configured_corpus
from training.search_config import SearchConfig, with_settings
from training.studies import FINISHED, SQLITE, alone, next_or_last_trial, open_study, shown
from training.tracking import Tracking
from training.trials import Trials

SEARCH_RUN, TRIAL_FIGURES = "run_id", "figures"  # what a study and a trial keep, under these names
_MADE_FOR = "made_for"

Progress = Callable[[str], None]


def run_search(config: Config, search: SearchConfig, tracking: Tracking, url: str, *, progress: Progress) -> None:
    """Run trials of `search` around `config` until it has as many as it wants, here or in other processes.

    The study is in the database at `url`, under a name that tells the experiment. Raises ConfigError if the study
    there is of other data, settings or space.
    """
    corpus = configured_corpus(config.data, default_taxonomy())
    study = _study(config, search, corpus, tracking, url)
    progress(f"study {study.study_name} in {shown(url)}: {len(_finished(study))} of {search.trials} trials are there")
    work = _Work(config, search, tracking, study, Trials(config, corpus.items, default_taxonomy()))
    begin, done = time.monotonic(), 0
    while (trial := next_or_last_trial(study, search.trials, url, progress)) is not None:
        _run_trial(work, trial)
        done += 1
        progress(_told(study, trial.number, search, (time.monotonic() - begin) / done))


def default_study(tracking_uri: str) -> str:
    """Return the address of a database beside the tracking store if that is a file, else in the state directory."""
    store = tracking_uri.removeprefix(SQLITE)
    folder = Path(store).resolve().parent if store != tracking_uri else state_directory()
    return f"{SQLITE}{folder / 'search.db'}"


def _study(config: Config, search: SearchConfig, corpus: Corpus, tracking: Tracking, url: str) -> Study:
    study = open_study(config.registry.experiment, url, search, config.seed)
    made_for = _fingerprint(config, search, corpus)
    if study.user_attrs.setdefault(_MADE_FOR, made_for) != made_for:
        raise ConfigError(
            f"{shown(url)}: the study {study.study_name} is of other data, settings or space: take another --study"
        )
    with alone(url):
        if SEARCH_RUN not in study.user_attrs:
            with tracking.run("search", {"framing.kind": "search"}) as run:
                run.log_parameters(flatten(search.model_dump(mode="json")))
            start = flatten(config.model_dump(mode="json"))
            study.enqueue_trial({name: start[name] for name in search.space if name in start}, skip_if_exists=True)
            study.set_user_attr(_MADE_FOR, made_for)
            study.set_user_attr(SEARCH_RUN, run.id)
    return study


def _fingerprint(config: Config, search: SearchConfig, corpus: Corpus) -> str:
    """Return a digest of what a trial's value follows from; the number of trials may grow."""
    settings = config.model_dump(mode="json", exclude={"data", "reports"})
    told = [settings, search.model_dump(mode="json", exclude={"trials"}), corpus.digest]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Work:
    config: Config
    search: SearchConfig
    tracking: Tracking
    study: Study
    trials: Trials


def _run_trial(work: _Work, trial: optuna.Trial) -> None:
    settings = {name: values.suggest(trial, name) for name, values in work.search.space.items()}
    parent = work.study.user_attrs[SEARCH_RUN]
    tags = {"framing.kind": "trial", "mlflow.parentRunId": parent, "framing.trial": str(trial.number)}
    try:
        with work.tracking.run(f"trial {trial.number}", tags) as run:
            run.log_parameters(settings)
            figures, pruned = _measured(work, settings, trial)
            run.log_metrics({**figures, "objective": work.search.value(figures)})
            run.set_tags({"framing.pruned": str(pruned).lower()})
    except BaseException:
        work.study.tell(trial, state=TrialState.FAIL)
        raise
    if pruned:
        work.study.tell(trial, state=TrialState.PRUNED)
    else:
        work.study.tell(trial, work.search.value(figures))


def _measured(work: _Work, settings: Mapping[str, Any], trial: optuna.Trial) -> tuple[Mapping[str, float], bool]:
    """Return the figures of a trial, and whether it was given up before they were those of all folds."""
    config = with_settings(work.config, settings)
    figures: Mapping[str, float] = {}
    for step, figures in enumerate(work.trials.figures(config), start=1):
        trial.set_user_attr(TRIAL_FIGURES, figures)
        trial.report(work.search.value(figures), step)
        if step < config.folds.count - 1 and trial.should_prune():
            return figures, True
    return figures, False


def _finished(study: Study) -> Sequence[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=FINISHED)


def _told(study: Study, number: int, search: SearchConfig, seconds: float) -> str:
    """Return a line on the trial of that number, on the best one, and on the time that is left at this speed."""
    trials = study.get_trials(deepcopy=False)
    running = sum(trial.state == TrialState.RUNNING for trial in trials)
    left = max(0, search.trials - len(_finished(study)))
    trial = trials[number]
    told = f"{trial.value:.4f}" if trial.value is not None else "given up"
    best = max((trial.value for trial in trials if trial.value is not None), default=math.nan)
    minutes = left * seconds / (1 + running) / 60
    done = f"{search.trials - left} of {search.trials}"
    return f"{done}: trial {number} {told}; the best {best:.4f}; about {minutes:.0f} min left"
