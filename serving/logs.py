"""Logging, the same in every process of the server."""

import logging

from serving.settings import Settings


def start_logging(settings: Settings) -> None:
    """Log to standard error from now on."""
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(process)d %(name)s %(message)s")
