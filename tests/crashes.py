"""``framing-train`` killed at some moment, and what must hold of the store that it leaves."""

import importlib
import os
import signal
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from mlflow import MlflowClient
from optuna.trial import FrozenTrial, TrialState

from framing.bundle import check_golden, load_bundle
from tests.forked import forked
from training.__main__ import main
from training.registry import CHALLENGER, CHAMPION, PREVIOUS, Registry
from training.studies import FINISHED
from training.tracking import Run, fetch_bundle

SMALL = (
    "features.most_ngrams=500", "features.greatest_ngram=3", "features.joined=10", "folds.count=2",
    "framing.prose={}", "retrain.factors=[1.0, 0.5]",
)  # fmt: skip
OPEN = tuple(
    f"gate.{limit}"
    for limit in (
        "most_worse=1", "macro_most_worse=1", "slice_most_worse=1", "least_items=10", "most_calibration_error=1", "most_latency_ratio=50",
        "new_most_worse=1",
    )
)  # fmt: skip
SPACE = "random = 2\nunpruned = 2\n[space]\nfeatures.exponent = { low = 0.3, high = 0.8 }\n"
SECONDS = 600  # that a command may take on a machine that is busy with much else


@dataclass(frozen=True, slots=True)
class Store:
    """A store in `folder`, and the labelled data that is fitted there."""

    folder: Path
    data: Path

    @property
    def uri(self) -> str:
        """The address of the tracking store."""
        return f"sqlite:///{self.folder}/mlflow.db"

    @property
    def registry(self) -> Registry:
        """The registry of the store."""
        return Registry(self.uri, "framing")

    def fit(self) -> list[str]:
        """Return the arguments of a fit."""
        return ["fit", *self._settings(f'data.paths=["{self.data}"]')]

    def search(self, trials: int) -> list[str]:
        """Return the arguments of a search that goes on until there are so many trials."""
        space = self.folder / "space.toml"
        space.write_text(SPACE, "utf-8")
        words = ["search", "--space", str(space), "--trials", str(trials)]
        return [*words, *self._settings(f'data.paths=["{self.data}"]')]

    def retraining(self, new: Path) -> list[str]:
        """Return the arguments of a retraining on `new` data, which a wide gate lets through."""
        return ["retrain", "--data", str(new), *self._settings(*OPEN)]

    def _settings(self, *settings: str) -> list[str]:
        given = [word for setting in (*SMALL, *settings) for word in ("--set", setting)]
        return ["--tracking-uri", self.uri, *given]


def plain(arguments: Sequence[str]) -> None:
    """Run a command without drawing pictures, a third of what a small fit takes: what is killed here is the rest."""
    Run.log_figure = lambda *_: None  # type: ignore[method-assign]  # in a process of its own
    main(arguments)


def finished(arguments: Sequence[str], codes: Collection[int] = (0,)) -> float:
    """Run a command to its end, which must be one of `codes`, and return the seconds it took."""
    begin = time.monotonic()
    process = forked(plain, arguments)
    process.join(SECONDS)
    process.kill()
    assert process.exitcode in codes, f"{' '.join(arguments[:2])} ended with {process.exitcode}"
    return time.monotonic() - begin


def killed_after(arguments: Sequence[str], seconds: float) -> None:
    """Run a command and kill it after `seconds`, unless it ends before."""
    process = forked(main, arguments)
    process.join(seconds)
    process.kill()
    process.join()


def killed_at(arguments: Sequence[str], moment: str, call: int = 1) -> None:
    """Run a command and kill it before the call of that number of `moment`, as in ``training.tracking:Run.log_text``."""
    process = forked(_die_at, arguments, moment, call)
    process.join(SECONDS)
    process.kill()
    assert process.exitcode == -signal.SIGKILL, f"{moment} was not called {call} times: {process.exitcode}"


def _die_at(arguments: Sequence[str], moment: str, call: int) -> None:
    module, _, path = moment.partition(":")
    kind, name = path.split(".")
    holder = getattr(importlib.import_module(module), kind)
    before, calls = getattr(holder, name), 0

    def counted(*args: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return before(*args, **named)

    setattr(holder, name, counted)
    plain(arguments)


def check(store: Store, folder: Path, champions: Collection[str | None]) -> str | None:
    """Return the champion, if the store is readable, every version whole, and every alias one that may be.

    `champions` are those that may be champion; `folder` is for bundles.
    """
    registry, client = store.registry, MlflowClient(store.uri, store.uri)
    versions = [str(version.version) for version in client.search_model_versions("name = 'framing'")]
    for version in versions:
        assert client.get_run(registry.run_of(version)).info.status == "FINISHED"
        bundle = fetch_bundle(store.uri, f"models:/framing/{version}", folder / version)
        assert check_golden(load_bundle(bundle), bundle) > 0
    champion, challenger, previous = map(registry.version_of, (CHAMPION, CHALLENGER, PREVIOUS))
    assert champion in champions
    assert {champion, challenger, previous} <= {None, *versions}
    assert champion is None or challenger is not None
    return champion


def check_dead_runs(store: Store) -> int:
    """Return how many runs were killed, if each says so and none is said to run still."""
    client = MlflowClient(store.uri, store.uri)
    experiment = client.get_experiment_by_name("framing")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
    killed = [run.data.tags["framing.failure"] for run in runs if run.info.status == "KILLED"]
    assert set(killed) <= {"its process died"}
    return len(killed)


def finished_trials(store: Store) -> int:
    """Return how many trials of the store's study have ended."""
    return sum(trial.state in FINISHED for trial in _trials(store))


def check_study(store: Store, trials: int) -> int:
    """Return how many trials were lost, if so many others are finished, each with its figures, and none runs."""
    kept = [trial for trial in _trials(store) if trial.state != TrialState.FAIL]
    assert len(kept) == trials
    assert all(trial.state in FINISHED for trial in kept)
    assert all(trial.user_attrs["figures"] for trial in kept)
    return len(_trials(store)) - len(kept)


def _trials(store: Store) -> list[FrozenTrial]:
    return optuna.load_study(study_name="framing", storage=f"sqlite:///{store.folder}/search.db").trials
