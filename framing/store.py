"""Where runs, models and caches are kept when nobody says otherwise."""

import os
from pathlib import Path


def state_directory() -> Path:
    """Return ``var`` in the checkout this package runs from, or in the working directory if installed."""
    checkout = Path(__file__).resolve().parents[1]
    root = checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()
    return root / "var"


def default_tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, or an SQLite database in the state directory, as an absolute address."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{state_directory() / 'mlflow.db'}"
