"""What columns may be called: each a name of its own in any case, and none that a table of ours adds itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from aifactory_runtime.errors import FactoryError

ORDER = "_row"
"""Keeps the order of rows, which Delta does not promise; the same rows in another order train another model."""
SPLIT = "split"
"""Says in `prepared` what a row is for."""
PREDICTION = "prediction"
SHARE = "probability_"
"""Begins the names of the columns of `scored` that hold the probability of a class."""

_EVERYWHERE = frozenset({ORDER, SPLIT})
_SCORED = frozenset({PREDICTION, "prediction_id", "scored_at", "model_version", "model_sha256"})
_NOT_IN_NAMES = re.compile(r'["\\\x00-\x1f\x7f]+')


def unique(table: str, given: Sequence[str]) -> list[str]:
    """A name of its own for each column: no quotes, backslashes or line breaks, which cannot be asked for by name.

    One without a name is `unnamed_1` by its place; a second `a` becomes `a.1`. FactoryError, which names `table`, for
    names that differ only in case, and for the one that keeps the order of rows.
    """
    names: list[str] = []
    for place, name in enumerate(given, start=1):
        plain = _NOT_IN_NAMES.sub(" ", name).strip() or f"unnamed_{place}"
        found, again = plain, 1
        while found in names:
            found, again = f"{plain}.{again}", again + 1
        names.append(found)
    check_case(table, names)
    ours = next((name for name in names if name.casefold() == ORDER), None)
    if ours is not None:
        raise FactoryError(f"{table}: column {ours} has a name that the pipeline's tables need: rename it")
    return names


def check_case(table: str, names: Iterable[str]) -> None:
    """Delta tells no names apart that differ only in case; FactoryError names two of them."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise FactoryError(f"{table}: columns {other} and {name} differ only in case: rename or leave out one")


def is_scored(name: str) -> bool:
    """Whether a batch that is scored adds a column of this name, in any case."""
    return name.casefold() in _SCORED or name.casefold().startswith(SHARE)


def problem(name: str, *, used: bool, instead: str) -> str | None:
    """Why no column of a raw table may be called so; `used` says whether a model sees it.

    `instead` is how a column is left out that a model need not see. None when nothing is wrong.
    """
    if name.casefold() in _EVERYWHERE:
        return f"column {name} has a name that the pipeline's tables need: rename it"
    if used and is_scored(name):
        return f"column {name} has a name that predictions get in the table scored: rename it, or {instead}"
    return None
