"""How often a command looks for garbage: seldom, and not when it ends, for most of what it holds are modules."""

from __future__ import annotations

import atexit
import gc

_SELDOM = (50_000, 20, 50)
_USUAL = gc.get_threshold()


def seldom() -> None:
    """For a process that is over soon. Call it before the large imports.

    A collection walks every module's objects: importing MLflow and skops takes a fifth longer with Python's own
    thresholds, and the collections at the end of the process a second, to free what the system frees anyway.
    """
    gc.set_threshold(*_SELDOM)
    atexit.register(gc.freeze)


def usual() -> None:
    """For a process that goes on: Python's own thresholds again."""
    gc.set_threshold(*_USUAL)
