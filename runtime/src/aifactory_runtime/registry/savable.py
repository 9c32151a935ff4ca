"""Whether an estimator can be saved so that it is loaded again, and which types it holds that conf has to trust."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry import boosters, skops_file, trusted_classes

_DEEPEST = 50


def is_ours(estimator: Any) -> bool:
    """Whether `estimator`, fitted or not, holds types only that need no trust; a booster's own file holds none."""
    if boosters.flavour(estimator) is not None:
        return True
    try:
        return not _strange(estimator)
    except Exception:  # skops fails in any way it likes, often with a bare TypeError
        return False


def held(estimator: Any, trusted: Collection[str]) -> frozenset[str]:
    """The types of `estimator` that are loaded only because they are `trusted`, full names.

    UsageProblem for one that is not trusted, with what to write where, and for what cannot be saved at all.
    """
    if boosters.flavour(estimator) is not None:
        return frozenset()
    try:
        found = _strange(estimator)
    except Exception:  # as above
        raise UsageProblem(_never_saved(estimator)) from None
    untrusted = sorted(found - set(trusted))
    for name in untrusted:
        if why := trusted_classes.refusal(name):
            raise UsageProblem(
                f"the model holds {name}, which is never loaded again: {why}; do this step in features.py, or choose "
                "another estimator"
            )
    if untrusted:
        both = ", ".join(sorted({*trusted, *untrusted}))
        allowed = ", ".join(["scikit-learn's own", *sorted(trusted)])
        raise UsageProblem(
            f"the model holds types that nobody has trusted: {', '.join(untrusted)} (allowed already: {allowed}); if "
            f"you trust their package, write under train: in conf/base.yaml: trusted_types: [{both}]"
        )
    trusted_classes.check(sorted(found))
    return found


def pins(names: Iterable[str]) -> list[str]:
    """The packages that the types `names` come with, as requirements of exactly the versions here."""
    from importlib import metadata

    packages = metadata.packages_distributions()
    found = {dist for name in names for dist in packages.get(name.partition(".")[0], ())}
    return [f"{dist}=={metadata.version(dist)}" for dist in sorted(found)]


def _strange(value: Any) -> frozenset[str]:
    import skops.io

    return frozenset(skops.io.get_untrusted_types(data=skops.io.dumps(value))) - skops_file.ALLOWED


def _never_saved(estimator: Any) -> str:
    """Which part cannot be saved, because of what it keeps, and what to take instead."""
    path = _to_what_fails(estimator)
    parts = [one for one in path if hasattr(one, "get_params")] or [estimator]
    strange = [one for one in parts if not _full_name(one).startswith("sklearn.")]
    part = (strange or parts[-1:])[0]
    kept = next((one for one in path if not hasattr(one, "get_params") and not isinstance(one, _CONTAINERS)), None)
    why = "" if kept is None else f": it keeps a {_full_name(kept)}, which skops cannot write"
    return (
        f"{_full_name(part)} can never be saved{why}; use {_instead(part)}, or do this step in features.py "
        "(trusted_types does not help)"
    )


_CONTAINERS = (Mapping, list, tuple, set)


def _to_what_fails(estimator: Any) -> list[Any]:
    """The estimator, a part of it that cannot be saved, a part of that, and so on."""
    path = [estimator]
    while len(path) < _DEEPEST:
        inner = next((part for part in _parts(path[-1]) if not _is_written(part)), None)
        if inner is None:
            break
        path.append(inner)
    return path


def _parts(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple):
        return list(value)
    return list(getattr(value, "__dict__", {}).values())


def _is_written(value: Any) -> bool:
    try:
        _strange(value)
    except Exception:
        return False
    return True


def _full_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _instead(part: Any) -> str:
    """What scikit-learn has under the same name, if it has."""
    from sklearn import preprocessing

    name = type(part).__name__
    return f"sklearn.preprocessing.{name}" if hasattr(preprocessing, name) else "one of scikit-learn's"
