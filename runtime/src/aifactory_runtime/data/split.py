"""Gives each row its split by what is in it: no row changes sides as data grows, and equal rows stay together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import column_names
from aifactory_runtime.data import row_hash as row_numbers
from aifactory_runtime.data.row_hash import Hashes
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    import pandas as pd

SPLIT = column_names.SPLIT
TRAIN = "train"
VALIDATION = "validation"
TEST = "test"
SPARE = "spare"
NAMES = (TRAIN, VALIDATION, TEST, SPARE)
"""By their numbers; `spare` holds the rows beyond `data.max_train_rows`, which nothing uses."""
_TRAIN, _VALIDATION, _TEST, _SPARE = range(4)
_DROPPED = -1
_BITS = 53
_FEWEST_ROWS = 10
_FEW = 2
_ID_SHARE = 0.01
"""An ignored column with so many different values, by row, may say who or what a row is about."""

Sides = np.ndarray[Any, np.dtype[np.int8]]
Places = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Roles:
    """What the columns of the raw table are for: `ignored` ones no model sees, `time` orders the rows."""

    target: str
    ignored: Sequence[str] = ()
    time: str | None = None
    regression: bool = False


@dataclass
class Read:
    """What the split needs of a table, row by row; about 50 bytes a row while it is decided."""

    whole: Hashes
    inputs: Hashes
    labels: np.ndarray[Any, np.dtype[np.int32]] | None = None
    times: Places | None = None
    ids: dict[str, Hashes] = field(default_factory=dict)


@dataclass(frozen=True)
class Assigned:
    """The side of each row of the raw table, -1 for a duplicate, and what the report says about the sides."""

    sides: Sides
    report: Mapping[str, Any]


def scan(frames: Iterable[pd.DataFrame], roles: Roles, group: str | None) -> Read:
    """What the split needs, from one reading of the table."""
    whole, inputs, labels, times = [], [], [], []
    ids: dict[str, list[Hashes]] = {name: [] for name in roles.ignored}
    codes: dict[Any, int] = {}
    for frame in frames:
        if SPLIT in (str(name).casefold() for name in frame.columns):
            raise FactoryError(f"the data has a column {SPLIT}, a name the pipeline needs: rename it")
        one, seen = row_numbers.hashes_without(frame, (), {roles.target, *roles.ignored})
        whole.append(one)
        inputs.append(seen if group is None else row_numbers.hashes(frame[[group]]))
        if not roles.regression:
            labels.append(_codes(frame[roles.target], codes))
        if roles.time is not None:
            times.append(_times(frame, roles.time))
        for name, hashed in ids.items():
            hashed.append(row_numbers.hashes(frame[[name]]))
    return Read(
        np.concatenate(whole),
        np.concatenate(inputs),
        np.concatenate(labels) if labels else None,
        np.concatenate(times) if times else None,
        {name: np.concatenate(hashed) for name, hashed in ids.items()},
    )


def assign(read: Read, settings: DataSettings, reference: Hashes | None) -> Assigned:
    """The side of each row; of equal rows the first is kept. Rows whose inputs are in `reference` are test.

    The target takes no part in the choice: a row whose label is corrected stays where it is. With times the newest rows
    are test, else the hash of a row decides. A class of two different rows or more is on both sides, a single row is
    in training. FactoryError for fewer than 10 rows that differ.
    """
    kept = np.sort(np.unique(read.whole, return_index=True)[1])
    inputs = read.inputs[kept]
    if len(kept) < _FEWEST_ROWS:
        raise FactoryError(
            f"{len(kept)} rows that differ are too few to train and test on: the pipeline needs more data"
        )
    places = (inputs >> np.uint64(64 - _BITS)).astype(np.float64) / 2.0**_BITS
    frozen = np.isin(inputs, reference) if reference is not None else np.zeros(len(kept), dtype=np.bool_)
    if read.times is None:
        ranks = places
    else:
        ranks = np.empty(len(kept))
        newest_first = np.lexsort((places, -read.times[kept]))
        ranks[newest_first] = (np.arange(len(kept)) + 0.5) / len(kept)
    test, validation = settings.test_share, settings.validation_share
    sides = np.where(ranks < test, _TEST, np.where(ranks < test + validation, _VALIDATION, _TRAIN)).astype(np.int8)
    sides[frozen] = _TEST
    labels = None if read.labels is None else read.labels[kept]
    mend = _Mend(sides, ranks, inputs if read.times is None else read.whole[kept], frozen)
    mend.learned_and_tested()
    for label in () if labels is None else np.unique(labels):
        mend.both_sides(labels == label)
    mend.validated(labels)
    report = _report(read, kept, sides, labels)
    _spare(sides, inputs, settings.max_train_rows)
    full = np.full(len(read.whole), _DROPPED, dtype=np.int8)
    full[kept] = sides
    return Assigned(full, {**report, "spare_rows": int((sides == _SPARE).sum())})


@dataclass(frozen=True)
class _Mend:
    """Moves rows where a side would lack a class or be empty: those nearest to the border, with all rows like them."""

    sides: Sides
    ranks: Places
    like: Hashes
    frozen: Mask

    def both_sides(self, members: Mask) -> None:
        """Let the rows of one class be in training and in test."""
        where = np.flatnonzero(members)
        found = self.sides[where]
        if (found == _TRAIN).any() and (found == _TEST).any():
            return
        if len(np.unique(self.like[where])) < 2:  # noqa: PLR2004 - one row cannot be on two sides
            self._move(where, _TRAIN, newest=False)
            return
        if not (found == _TEST).any():
            self._move(where, _TEST, newest=True)
        if not (self.sides[where] == _TRAIN).any():
            spare = where[self.sides[where] == _VALIDATION]
            self._move(spare if len(spare) else where, _TRAIN, newest=False)

    def learned_and_tested(self) -> None:
        """Let training and test have a row."""
        everywhere = np.arange(len(self.sides))
        for side, newest in ((_TEST, True), (_TRAIN, False)):
            if not (self.sides == side).any():
                self._move(everywhere, side, newest=newest)

    def validated(self, labels: np.ndarray[Any, np.dtype[np.int32]] | None) -> None:
        """Let validation have a row, of a class that has more in training."""
        if (self.sides == _VALIDATION).any():
            return
        trained = np.flatnonzero(self.sides == _TRAIN)
        if labels is not None:
            trained = trained[np.bincount(labels[trained])[labels[trained]] > _FEW]
        self._move(trained, _VALIDATION, newest=True)

    def _move(self, candidates: Any, side: int, *, newest: bool) -> None:
        """Move the candidate that is first, or last, in the order that decides; a frozen row stays in test."""
        free = candidates[~self.frozen[candidates]]
        if not len(free):
            return
        ranks = self.ranks[free]
        chosen = free[int(ranks.argmin() if newest else ranks.argmax())]
        self.sides[(self.like == self.like[chosen]) & ~self.frozen] = side


def _spare(sides: Sides, inputs: Hashes, most: int) -> None:
    """Leave `most` training rows, chosen by other bits of the hash than the sides are."""
    trained = np.flatnonzero(sides == _TRAIN)
    if 0 < most < len(trained):
        order = np.argsort(inputs[trained] * np.uint64(0x9E3779B97F4A7C15), kind="stable")
        sides[trained[order[most:]]] = _SPARE


def _report(read: Read, kept: Any, sides: Sides, labels: Any) -> dict[str, Any]:
    """Rows by side, classes by side, and how many test rows have a twin or an id in training."""
    test, trained = sides == _TEST, sides == _TRAIN
    counts = {name: int((sides == number).sum()) for number, name in enumerate(NAMES[:3])}
    leaks = {"inputs": int(np.isin(read.inputs[kept][test], read.inputs[kept][trained]).sum())}
    for name, hashed in read.ids.items():
        if len(np.unique(hashed)) < _ID_SHARE * len(hashed):
            continue
        leaks[name] = int(np.isin(hashed[kept][test], hashed[kept][trained]).sum())
    report: dict[str, Any] = {"splits": counts, "test_rows_known_from_training": leaks}
    if labels is not None:
        report["rarest_class"] = {
            name: int(np.bincount(labels[sides == number], minlength=int(labels.max()) + 1).min())
            for number, name in enumerate(NAMES[:3])
        }
    return report


def _codes(series: Any, codes: dict[Any, int]) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Labels as numbers, the same for the same label in every chunk."""
    import pandas as pd

    found, values = pd.factorize(series)
    table = np.array([codes.setdefault(value, len(codes)) for value in values], dtype=np.int32)
    made: np.ndarray[Any, np.dtype[np.int32]] = table[found]
    return made


def _times(frame: pd.DataFrame, name: str) -> Places:
    """Moments as numbers; a missing one counts as the oldest."""
    if name not in frame.columns:
        raise UsageProblem(f"schema.py: TIME is {name!r}, which the table does not have")
    series: Any = frame[name]
    if series.dtype.kind == "M":
        moments = series.to_numpy(dtype="datetime64[us]")
        return np.where(np.isnat(moments), -np.inf, moments.astype(np.int64).astype(np.float64))
    if series.dtype.kind in "iuf":
        values = row_numbers.numbers(series)
        return np.where(np.isnan(values), -np.inf, values)
    raise UsageProblem(
        f"schema.py: TIME is {name!r}, which holds neither dates nor numbers: declare it as datetime64[us]"
    )
