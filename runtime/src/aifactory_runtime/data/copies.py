"""Tells copies from observations: a copy is equal in every column, one of them a key that no two different rows share.

Rows that are equal without such a key are observations: of few values many rows are equal, and all of them count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.data import row_hash as row_numbers
from aifactory_runtime.data.row_hash import Hashes

if TYPE_CHECKING:
    import pandas as pd

Names = tuple[str, ...]
"""One column, or several that are a key together."""
Mask = np.ndarray[Any, np.dtype[np.bool_]]
MISSING = np.uint64(2**64 - 1)
"""Stands for the key of a row that has none: such a row is no copy."""
_MOST_COMPARED = 1_000


def key_hashes(frame: pd.DataFrame, names: Sequence[str]) -> Hashes:
    """8 bytes a row for the values of a key, MISSING where one of them is missing."""
    part = frame[list(names)]
    hashed = row_numbers.hashes(part)
    hashed[part.isna().to_numpy().any(axis=1)] = MISSING
    return hashed


def copied(whole: Hashes, key: Hashes | None) -> Mask:
    """True for each row that is a copy of one before it; without a key no row is."""
    made = np.zeros(len(whole), dtype=np.bool_)
    if key is not None and len(whole):
        order = np.lexsort((key, whole))
        rows = whole[order]
        equal = rows[1:] == rows[:-1]
        rows = key[order]
        made[order[1:]] = equal & (rows[1:] == rows[:-1]) & (rows[1:] != MISSING)
    return made


def shared(whole: Hashes, key: Hashes) -> Hashes:
    """The keys, each as often as other rows have it too; none of them when it is a key once copies are gone."""
    order = np.lexsort((whole, key))
    keys, rows = key[order], whole[order]
    differs = np.ones(len(keys), dtype=np.bool_)
    differs[1:] = (keys[1:] != keys[:-1]) | (rows[1:] != rows[:-1])
    kept = keys[differs & (keys != MISSING)]
    again: Hashes = kept[1:][kept[1:] == kept[:-1]]
    return again


class Candidates:
    """Columns that may be a key, watched while a table goes by; 8 bytes a row for each that still may.

    A column that has fewer values than a chunk has rows that differ is none, and is no longer watched.
    """

    def __init__(self, names: Iterable[Names]) -> None:
        self._hashes: dict[Names, list[Hashes]] = {one: [] for one in names}

    @property
    def names(self) -> tuple[Names, ...]:
        """Those that still may."""
        return tuple(self._hashes)

    def add(self, names: Names, hashed: Hashes, whole: Hashes) -> None:
        """Take in a chunk of one of them, and the hashes of its rows."""
        if len(shared(whole, hashed)):
            del self._hashes[names]
        else:
            self._hashes[names].append(hashed)

    def join(self, other: Candidates) -> None:
        """Take in the part of the table that comes next: what is none there is none."""
        for names in self.names:
            if names in other._hashes:
                self._hashes[names] += other._hashes[names]
            else:
                del self._hashes[names]

    def keys(self, whole: Hashes) -> dict[Names, Hashes]:
        """The keys with their hashes, the one that most rows have first. `whole` is of all chunks."""
        every = {names: np.concatenate(parts) for names, parts in self._hashes.items() if parts}
        there = {names: int((hashed != MISSING).sum()) for names, hashed in every.items()}
        names = [one for one, count in there.items() if count and len(shared(whole, every[one])) <= _by_chance(count)]
        return {one: every[one] for one in sorted(names, key=lambda one: -there[one])}


def _by_chance(rows: int) -> int:
    """So many of different values may have equal hashes: none of a billion, some of ten billion."""
    return int(4.0 * rows * rows / 2.0**64)


def having(names: Sequence[str], suspected: Hashes, frames: Iterable[pd.DataFrame], first: int = 0) -> pd.DataFrame:
    """The rows with a `suspected` key: the values of `names` by number, and `row`, the hash of the whole."""
    import pandas as pd

    del first
    found = []
    for frame in frames:
        here = np.isin(row_numbers.hashes(frame[list(names)]), suspected)
        part = frame.loc[here, list(names)].set_axis(range(len(names)), axis=1)
        found.append(part.assign(row=row_numbers.hashes(frame[here])))
    return pd.concat(found, ignore_index=True)


def are_compared(suspected: Hashes) -> bool:
    """Whether so few keys may have equal hashes by chance that their values are compared: none, or more than 1,000."""
    return 0 < len(suspected) <= _MOST_COMPARED


def truly_shared(found: Sequence[pd.DataFrame]) -> int:
    """How many rows, as `having` found them in each part, have a key that one of other values before them has."""
    import pandas as pd

    different = pd.concat(found).drop_duplicates()
    return int(different.drop(columns="row").duplicated().sum())
