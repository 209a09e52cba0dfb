"""The compiled twins of what every article costs (`_reading`, `_scoring` and `_evidence.pyx`), if they could be built.

Without a C compiler at installation, or with PURE_PYTHON=1 in the environment, Python does it all, with the same
answers, in twice the time and more. Each twin stands beside what it replaces, under ``if compiled.COMPILED``.
"""

import os

__all__ = ("COMPILED", "evidence", "reading", "scoring")

COMPILED: bool = not os.environ.get("PURE_PYTHON")
if COMPILED:
    try:
        from framing import _evidence as evidence
        from framing import _reading as reading
        from framing import _scoring as scoring
    except ImportError:
        COMPILED = False
