"""The command line of the server: ``framing-serve``."""

import asyncio
import sys
from collections.abc import Sequence

from framing.errors import CrashLoop, FramingError
from serving.logs import start_logging
from serving.settings import load_settings
from serving.supervisor import supervise
from serving.workers import Silent

EXIT_REFUSED = 2
EXIT_CRASHED = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve with the settings in `arguments` and the environment until a signal ends it."""
    try:
        settings = load_settings(arguments)
        start_logging(settings)
        asyncio.run(supervise(settings, Silent()))
    except FramingError as error:
        print(f"framing-serve: {error}", file=sys.stderr)
        sys.exit(EXIT_CRASHED if isinstance(error, CrashLoop) else EXIT_REFUSED)


if __name__ == "__main__":
    main()
