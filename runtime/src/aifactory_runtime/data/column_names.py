"""What columns may be called: each a name of its own in any case, and none that a table of ours adds itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from aifactory_runtime.errors import FactoryError

ORDER = "_row"
"""Keeps the order of rows, which Delta does not promise; the same rows in another order train another model."""
SPLIT = "split"
"""Says in `prepared` what a row is for."""
PREDICTION = "prediction"
SHARE = "probability_"
"""Begins the names of the columns of `scored` that hold the probability of a class."""

HASHED = "_hashed"
"""Ends the name of a column of `scored` that holds keyed hashes in the place of a column's values."""
REDACTED = "_redacted"
"""Column of `scored` that says, as JSON, which columns of the input are not there as they came."""

_EVERYWHERE = frozenset({ORDER, SPLIT})
_SCORED = frozenset({PREDICTION, "prediction_id", "scored_at", "model_version", "model_sha256", REDACTED})
_NOT_IN_NAMES = re.compile(r'["\\\x00-\x1f\x7f]+')


def unique(table: str, given: Sequence[str]) -> list[str]:
    """A name of its own for each column: no quotes, backslashes or line breaks, which cannot be asked for by name.

    One without a name is `unnamed_1` by its place; a second `a` becomes `a.1`. FactoryError, which names `table`, for
    names that differ only in case or look alike, and for the one that keeps the order of rows.
    """
    _check_look(table, given)
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


def unseen(name: str) -> list[str]:
    """Letters of a name that nobody sees, or that look like a plain space, by their numbers: `U+200B`."""
    return [f"U+{ord(letter):04X}" for letter in name if _is_unseen(letter) or _is_space(letter)]


def look(name: str) -> str:
    """A name as people see it: without invisible letters, with plain spaces, letters with their accents as one."""
    shown = "".join(" " if _is_space(letter) else letter for letter in name if not _is_unseen(letter))
    return unicodedata.normalize("NFC", shown).strip()


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) == "Cf"


def _is_space(letter: str) -> bool:
    return unicodedata.category(letter) == "Zs" and letter != " "


def _check_look(table: str, given: Sequence[str]) -> None:
    """FactoryError for two names that are not the same and look so: nobody could say which one is meant."""
    seen: dict[str, str] = {}
    for name in filter(None, given):
        shown = look(name)
        other = seen.setdefault(shown, name)
        if shown and other != name:
            raise FactoryError(
                f"{table}: two columns look alike, {other!a} and {name!a} (letters that nobody sees as numbers): "
                "rename or leave out one"
            )


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
