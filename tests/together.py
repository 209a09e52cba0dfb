"""Two processes of which neither may do all the work, however busy the machine is."""

from collections.abc import Iterator, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.forked import forked
from tests.waiting import eventually
from training.__main__ import main
from training.config import Config
from training.trials import Figures, Trials


def searches(words: Sequence[str], folder: Path) -> tuple[list[int | None], list[str]]:
    """Run a search in two processes that each have a trial; return how they ended and what they printed."""
    marks, logs = ([folder / f"{name}-{number}" for number in (1, 2)] for name in ("mark", "log"))
    both: list[BaseProcess] = [
        forked(_search, words, own, other, log=log) for own, other, log in zip(marks, marks[::-1], logs, strict=True)
    ]
    for process in both:
        process.join(600)
    return [process.exitcode for process in both], [log.read_text("utf-8") for log in logs]


def _search(words: Sequence[str], own: Path, other: Path) -> None:
    figures = Trials.figures

    def waiting(trials: Trials, config: Config) -> Iterator[Figures]:
        own.touch()
        eventually(other.exists, 600)
        yield from figures(trials, config)

    Trials.figures = waiting  # type: ignore[method-assign]  # in this process only
    main(words)
