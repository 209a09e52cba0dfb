"""Optuna studies that give the same trials whether or not they were interrupted, and that several processes share."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import RDBStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import NullPool, create_engine, make_url, text

from training.locks import file_lock
from training.processes import has_died, this_process
from training.search_config import SearchConfig

PROCESS = "process"
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
SQLITE = "sqlite:///"
_POSTGRESQL = "postgresql"
_PATIENCE = 120  # seconds that a process waits for another one's write
_LONGEST_WAIT = 3600  # seconds that a process waits for trials of others, whose machines may be gone
_BETWEEN_LOOKS = 1  # seconds
_LOCK = 0x6672616D696E67  # of those that PostgreSQL lets applications number (pg_advisory_xact_lock)


class HistorySampler(BaseSampler):
    """The tree-structured Parzen estimator, whose draws follow from the trials before and not from how it got here.

    Each trial gets a sampler seeded by `seed` and by how many trials before it were not lost: one that was lost when
    its process died is drawn again, alike.
    """

    def __init__(self, seed: int, random: int) -> None:
        self._seed = seed
        self._random = random
        self._samplers: dict[int, TPESampler] = {}

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the settings that are drawn together: none."""
        return self._of(study, trial).infer_relative_search_space(study, trial)

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: Any) -> dict[str, Any]:
        """Return the settings that are drawn together: none."""
        return self._of(study, trial).sample_relative(study, trial, search_space)

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
        """Return a value for one setting."""
        return self._of(study, trial).sample_independent(study, trial, param_name, param_distribution)

    def _of(self, study: Study, trial: FrozenTrial) -> TPESampler:
        if trial.number not in self._samplers:
            before = [other for other in study.get_trials(deepcopy=False) if other.number < trial.number]
            seed = self._seed * 100_003 + sum(other.state != TrialState.FAIL for other in before)
            self._samplers = {trial.number: TPESampler(seed=seed, n_startup_trials=self._random)}
        return self._samplers[trial.number]


def open_study(name: str, url: str, search: SearchConfig, seed: int) -> Study:
    """Return the study `name` in the database at `url`; it is made if it is not there."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with alone(url):
        storage = RDBStorage(url, engine_kwargs={"connect_args": {"timeout": _PATIENCE}} if _is_file(url) else None)
        return optuna.create_study(
            storage=storage,
            study_name=name,
            direction="maximize",
            load_if_exists=True,
            sampler=HistorySampler(seed, search.random),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=search.unpruned),
        )


def next_trial(study: Study, trials: int, url: str) -> optuna.Trial | None:
    """Return a trial to run, or None if `trials` have been run or are; those of dead processes are lost."""
    with alone(url):
        for lost in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            # A process begins a trial and puts its name to it under the lock: one without a name is of one that died.
            if PROCESS not in lost.user_attrs or has_died(lost.user_attrs[PROCESS]):
                study.tell(lost.number, state=TrialState.FAIL)
        begun = study.get_trials(deepcopy=False, states=[*FINISHED, TrialState.RUNNING])
        if len(begun) >= trials:
            return None
        trial = study.ask()
        trial.set_user_attr(PROCESS, this_process())
        return trial


def next_or_last_trial(study: Study, trials: int, url: str, progress: Callable[[str], None]) -> optuna.Trial | None:
    """Return a trial to run, or None once `trials` have been run.

    Those that still run elsewhere are waited for: if their process dies they are run here, and all processes of a study
    find the same best trial. `progress` hears of the wait, and of its end after an hour.
    """
    deadline, waiting = time.monotonic() + _LONGEST_WAIT, False
    while (trial := next_trial(study, trials, url)) is None and (running := _running(study)):
        if time.monotonic() > deadline:
            progress(f"trials {running} have not ended in {_LONGEST_WAIT // 60} minutes: the search ends without them")
            return None
        if not waiting:
            progress(f"waiting for trials {running}, which other processes run")
            waiting = True
        time.sleep(_BETWEEN_LOOKS)
    return trial


def _running(study: Study) -> list[int]:
    return [trial.number for trial in study.get_trials(deepcopy=False, states=[TrialState.RUNNING])]


def shown(url: str) -> str:
    """Return `url` without its password."""
    return make_url(url).render_as_string(hide_password=True)


def _is_file(url: str) -> bool:
    return url.startswith(SQLITE)


@contextlib.contextmanager
def alone(url: str) -> Iterator[None]:
    """Let one process at a time make tables or begin a trial; the lock goes with the process.

    It holds for this machine where the database is a file, for all where it is PostgreSQL, and nowhere else.
    """
    if _is_file(url):
        file = Path(url.removeprefix(SQLITE)).resolve()
        with file_lock(file.with_name(f"{file.name}.lock"), wait=True):
            yield
    elif url.startswith(_POSTGRESQL):
        with create_engine(url, poolclass=NullPool).connect() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield
    else:
        yield
