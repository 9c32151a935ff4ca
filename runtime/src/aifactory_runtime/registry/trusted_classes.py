"""Whether a type that conf trusts may be loaded: it must be a class of an installed package, defined where it says."""

from __future__ import annotations

import importlib
import site
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from aifactory_runtime.config import trusted_types
from aifactory_runtime.errors import UsageProblem

_HARMLESS_BASES = frozenset({"abc", "builtins", "collections", "dataclasses", "enum", "numbers", "typing"})
"""Modules of Python whose classes a trusted one may derive from."""


def check(names: Iterable[str]) -> None:
    """UsageProblem for the first of `names` that conf trusts and that is not to be had, or never trusted."""
    for name in names:
        if why := refusal(name):
            raise UsageProblem(f"conf: train.trusted_types: {name} cannot be trusted: {why}")


def refusal(name: str) -> str | None:
    """Why the type `name` is never loaded, in a clause; None when it may be. It imports the module."""
    if why := trusted_types.refusal(name):
        return why
    module, _, own = name.rpartition(".")
    try:
        home = importlib.import_module(module)
    except ModuleNotFoundError as error:
        return f"there is no module {error.name}: put its package into requirements/science.in, then make lock setup"
    except Exception as error:  # what a package does while it is imported is not ours
        return f"{module} cannot be imported ({type(error).__name__})"
    return _of_class(getattr(home, own, None), module, own) or _of_place(home)


def _of_class(found: object, module: str, own: str) -> str | None:
    """Why `found`, which `module` has under the name `own`, is never loaded."""
    if not isinstance(found, type):
        return "no module has it under that name" if found is None else f"it is a {type(found).__name__}, not a class"
    if (found.__module__, found.__qualname__) != (module, own):
        return f"it is another name of {found.__module__}.{found.__qualname__}"
    return _of_bases(found)


def _of_place(module: ModuleType) -> str | None:
    """Why what `module` holds is never loaded, wherever it comes from otherwise."""
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()}
    file = getattr(module, "__file__", None)
    if file is not None and any(Path(file).is_relative_to(place) for place in places):
        return None
    return "it is not of an installed package: what is in src/ may change under a model that stays"


def _of_bases(found: type) -> str | None:
    """Why a class that `found` derives from keeps it out."""
    for base in found.__mro__[1:]:
        name = f"{base.__module__}.{base.__qualname__}"
        if base is type or (base.__module__.partition(".")[0] not in _HARMLESS_BASES and trusted_types.refusal(name)):
            return f"it derives from {name}, which is never trusted"
    return None
