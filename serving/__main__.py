"""The command line of the server: ``framing-serve``."""

import asyncio
import logging
import sys
from collections.abc import Sequence

from framing.errors import FramingError
from serving.server import serve
from serving.settings import load_settings

EXIT_REFUSED = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve with the settings in `arguments` and the environment until a signal ends it."""
    try:
        settings = load_settings(arguments)
        logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        asyncio.run(serve(settings))
    except FramingError as error:
        print(f"framing-serve: {error}", file=sys.stderr)
        sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    main()
