"""Keeps the service's process small: what scoring never uses is not imported, and freed memory goes back."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

from aifactory_runtime import garbage

UNUSED = frozenset({"pandas", "matplotlib", "pytest", "pyarrow", "polars", "IPython", "dask", "mlflow"})
"""scikit-learn and skops import these when they are installed, and work as well without."""


class _Blocker(MetaPathFinder):
    """Says of the unused modules that they are not installed.

    None in `sys.modules` would do the same for imports, but scikit-learn looks there for pandas.
    """

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """ModuleNotFoundError for an unused module; None leaves all others to the finders that follow."""
        del path, target
        if fullname in UNUSED:
            raise ModuleNotFoundError(f"{fullname} is kept out of the scoring service", name=fullname)


def block_unused() -> None:
    """Make imports of what scoring never uses fail in this process; call it before anything imports scikit-learn."""
    sys.meta_path.insert(0, _Blocker())


def unblock() -> None:
    """Let imports be again: a model may hold types of other packages, and what those import nobody here knows."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Blocker)]


def settle() -> None:
    """After a model was loaded: collect what loading left, keep the rest out of later collections, return the pages.

    A collection that walks every object of scikit-learn's modules takes long enough to be seen in the slowest answers.
    """
    garbage.usual()
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
