"""Independent pieces of work side by side, with the same results on any number of processors."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import threadpool_limits

_MOST_AT_ONCE = 4  # each holds matrices of all items by all items

Job = TypeVar("Job")
Result = TypeVar("Result")


def one_blas_thread() -> threadpool_limits:
    """Return what keeps BLAS to one thread while it is entered: products of small matrices are faster, too."""
    return threadpool_limits(1, "blas")


@contextmanager
def threads() -> Iterator[ThreadPoolExecutor]:
    """Open threads to submit work to, whose results are asked for before they are left; BLAS gets one thread for each.

    With one thread BLAS adds up in one order, whatever the machine.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with one_blas_thread():
        pool = ThreadPoolExecutor(min(processors, _MOST_AT_ONCE))
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def in_threads(work: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
    """Return what `work` returns for each of `jobs`, some at a time, as `threads` does them."""
    with threads() as pool:
        return list(pool.map(work, jobs))
