"""Loads a model to serve, checked and warm."""

from pathlib import Path

from framing.bundle import check_golden, load_bundle
from framing.model import FramingModel


def open_model(bundle: Path, version: str = "") -> FramingModel:
    """Return the model in the folder `bundle`, its golden predictions reproduced, which warms it too.

    `version` names it; without one its digest does. Raises BundleError if it is not what it says.
    """
    model = load_bundle(bundle, version=version)
    check_golden(model, bundle)
    model.forget_vocabulary()
    return model
