"""Keeps the service's process small: what scoring never uses is not imported, and freed memory goes back."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Any

_UNUSED = ("pandas", "matplotlib", "pytest", "pyarrow", "polars", "IPython", "dask", "mlflow")
"""scikit-learn and skops import these when they are installed, and work as well without."""


def block_unused() -> None:
    """Make the imports in `_UNUSED` fail in this process; call it before anything imports scikit-learn."""
    blocked: dict[str, Any] = dict.fromkeys((name for name in _UNUSED if name not in sys.modules), None)
    sys.modules.update(blocked)


def settle() -> None:
    """After a model was loaded: collect what loading left, keep the rest out of later collections, return the pages.

    A collection that walks every object of scikit-learn's modules takes long enough to be seen in the slowest answers.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
