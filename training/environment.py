"""What a run was made with: interpreter, system and packages."""

import os
import platform
import re
from importlib import metadata


def environment() -> dict[str, object]:
    """Return the versions of Python, of the system and of every package that framing asks for, if it is there."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "packages": dict(sorted(_packages().items())),
    }


def _packages() -> dict[str, str]:
    found = {}
    for requirement in ("framing", *(metadata.requires("framing") or ())):
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # of an extra that is not installed
            continue
    return found
