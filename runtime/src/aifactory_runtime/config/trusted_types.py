"""Which types `train.trusted_types` may name, as far as the name alone says; nothing is imported here.

A file that holds a trusted type may call it with anything. So what runs code, starts processes or reads pickles by
being called is refused by name. The list is a fence against a slip, no proof: who adds a type answers for it.
"""

from __future__ import annotations

import re
import sys
from typing import Annotated

from pydantic import AfterValidator

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_RUN_CODE = frozenset(
    {
        *("cffi", "cloudpickle", "cython", "dask", "dill", "distributed", "fabric", "formulaic", "fsspec", "git"),
        *("invoke", "ipykernel", "IPython", "jinja2", "joblib", "jsonpickle", "loky", "mako", "mlflow", "numba"),
        *("numexpr", "paramiko", "patsy", "pebble", "pexpect", "pip", "pkg_resources", "plumbum", "psutil"),
        *("ptyprocess", "pytest", "ray", "setuptools", "sh", "skops", "sqlalchemy", "sympy", "aifactory_runtime"),
    }
)
"""Packages whose classes run code, start processes, open connections or read pickles."""
_RUN_CODE_MODULES = ("numpy.ctypeslib", "numpy.f2py", "numpy.lib", "pandas.core.computation", "pandas.io", "scipy.io")


def refusal(name: str) -> str | None:
    """Why the type `name` is never trusted, in a clause; None when its name says nothing against it."""
    package = name.partition(".")[0]
    if not _NAME.fullmatch(name):
        return "it is no class of a module: write package.module.Class"
    if package in sys.stdlib_module_names:
        return "it is Python's own, where many a name runs code: only classes of packages are trusted"
    if package in _RUN_CODE or f"{name}.".startswith(tuple(f"{module}." for module in _RUN_CODE_MODULES)):
        return f"classes of {package} may run code when they are called"
    return None


def _checked(name: str) -> str:
    if why := refusal(name):
        raise ValueError(f"{name} cannot be trusted: {why}")
    return name


TrustedType = Annotated[str, AfterValidator(_checked)]
"""The full name of a class, `package.module.Class`."""
