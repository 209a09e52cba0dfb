"""The command line of the server: ``framing-serve``."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from framing.errors import CrashLoop, FramingError
from serving.logs import start_logging
from serving.settings import Settings, load_settings
from serving.supervisor import supervise
from serving.workers import Observer, Silent

EXIT_REFUSED = 2
EXIT_CRASHED = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve with the settings in `arguments` and the environment until a signal ends it."""
    try:
        settings = load_settings(arguments)
        start_logging(settings)
        with _observer(settings) as observer:
            asyncio.run(supervise(settings, observer))
    except FramingError as error:
        print(f"framing-serve: {error}", file=sys.stderr)
        sys.exit(EXIT_CRASHED if isinstance(error, CrashLoop) else EXIT_REFUSED)


def _observer(settings: Settings) -> AbstractContextManager[Observer]:
    """Return who counts; without an address for metrics, nobody, and nothing for it is imported."""
    if not settings.metrics_address:
        return nullcontext(Silent())
    from serving.metrics import served_metrics

    return served_metrics(settings)


if __name__ == "__main__":
    main()
