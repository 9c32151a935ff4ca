"""Gives each row its split by what is in it: no row changes sides as data grows, or as the rows come in another order.

Rows of equal inputs are on one side (`together`), or lie on both in their shares (`spread`); copies are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import column_names, copies, twins
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
"""By their numbers; `spare` holds what nothing uses: rows beyond `data.max_train_rows`, and outliers taken out of
training."""
_TRAIN, _VALIDATION, _TEST, _SPARE = range(4)
_DROPPED = -1
_BITS = 53
_FEWEST_ROWS = 10
_FEW = 2
_ID_SHARE = 0.01
"""An ignored column with so many different values, by row, may say who or what a row is about."""
_SHARED = 0.2
"""A column with one value in so many rows tells nobody apart."""

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
    """What the split needs of a table, row by row; 20 to 40 bytes a row, and twice that while it is decided."""

    whole: Hashes
    inputs: Hashes
    key: Hashes | None = None
    """What tells copies from rows that are equal by chance; None when nothing does."""
    labels: np.ndarray[Any, np.dtype[np.int32]] | None = None
    """Classes by number; None for a regression."""
    targets: Hashes | None = None
    """Of a regression."""
    times: Places | None = None
    ids: dict[str, Hashes] = field(default_factory=dict)

    @property
    def twins(self) -> Hashes:
        """Equal for rows whose inputs and target are equal."""
        target: Any = self.targets if self.labels is None else self.labels.astype(np.uint64)
        return twins.joined(self.inputs, target)

    def only(self, kept: Mask) -> Read:
        """These rows alone; itself when they are all."""
        if kept.all():
            return self
        columns: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        ids = {name: hashed[kept] for name, hashed in columns.pop("ids").items()}
        some: dict[str, Any] = {name: None if found is None else found[kept] for name, found in columns.items()}
        return Read(**some, ids=ids)


@dataclass(frozen=True)
class Assigned:
    """The side of each row of the raw table, -1 for a copy, and what the report says about the sides."""

    sides: Sides
    report: Mapping[str, Any]
    since: Mask
    """The test rows that are not of the frozen reference and, with times, newer than it; none without one."""


def scan(frames: Iterable[pd.DataFrame], roles: Roles, group: str | None, key: Sequence[str] = ()) -> Read:
    """What the split needs, from one reading of the table; `key` are the columns that tell copies from other rows."""
    parts: dict[str, list[Any]] = {name: [] for name in ("whole", "inputs", "key", "labels", "targets", "times")}
    parts_of_ids: dict[str, list[Any]] = {name: [] for name in roles.ignored}
    codes: dict[Any, int] = {}
    for frame in frames:
        if SPLIT in (str(name).casefold() for name in frame.columns):
            raise FactoryError(f"the data has a column {SPLIT}, a name the pipeline needs: rename it")
        one, seen = row_numbers.hashes_without(frame, (), {roles.target, *roles.ignored})
        parts["whole"].append(one)
        parts["inputs"].append(seen if group is None else row_numbers.hashes(frame[[group]]))
        if key:
            parts["key"].append(copies.key_hashes(frame, key))
        if roles.regression:
            parts["targets"].append(row_numbers.hashes(frame[[roles.target]]))
        else:
            parts["labels"].append(_codes(frame[roles.target], codes))
        if roles.time is not None:
            parts["times"].append(moments(frame, roles.time))
        parts_of_ids = {name: found for name, found in parts_of_ids.items() if not _is_measured(frame[name])}
        for name, hashed in parts_of_ids.items():
            hashed.append(row_numbers.hashes(frame[[name]]))
    ids = {name: _joined(hashed) for name, hashed in parts_of_ids.items()}
    return Read(**{name: _joined(found) for name, found in parts.items() if found}, ids=ids)


def assign(read: Read, settings: DataSettings, reference: Read | None) -> Assigned:
    """The side of each row; of copies the first is kept. The rows of the frozen `reference` are test.

    The target takes no part in the choice, unless rows of equal inputs are spread: a row whose label is corrected stays
    where it is. With times the newest rows are test, and of those that came after the frozen ones the newest again,
    else the hash of a row decides. A class of two different rows or more is on both sides, a single row is in training.
    FactoryError for fewer than 10 rows, and where all of them would be on one side.
    """
    kept = ~copies.copied(read.whole, read.key)
    rows = read.only(kept)
    if len(rows.whole) < _FEWEST_ROWS:
        raise FactoryError(f"{len(rows.whole)} rows are too few to train and test on: the pipeline needs more data")
    spread = settings.equal_rows == "spread" and settings.group is None
    decides = _spread(rows) if spread else rows.inputs
    ranks = _ranks(decides, rows)
    single = spread or rows.times is not None
    frozen = held = np.zeros(len(ranks), dtype=np.bool_)
    if reference is not None:
        order = ranks if single else np.arange(len(ranks), dtype=np.float64)
        held = twins.held(rows.whole, rows.inputs, order, (reference.whole, reference.inputs))
        frozen = held if single else np.isin(rows.inputs, reference.inputs)
        ranks = _ranks(decides, rows, held)
    test, validation = settings.test_share, settings.validation_share
    sides = np.where(ranks < test, _TEST, np.where(ranks < test + validation, _VALIDATION, _TRAIN)).astype(np.int8)
    sides[frozen] = _TEST
    mend = _Mend(sides, ranks, decides if rows.times is None or spread else rows.whole, frozen)
    mend.learned_and_tested()
    for label in () if rows.labels is None else np.unique(rows.labels):
        mend.both_sides(rows.labels == label)
    mend.validated(rows.labels)
    _check_both(sides, settings.group)
    report = _report(rows, sides, inputs_apart=not spread)
    _spare(sides, rows, decides, settings)
    full = np.full(len(read.whole), _DROPPED, dtype=np.int8)
    full[kept] = sides
    since = np.zeros(len(full), dtype=np.bool_)
    if reference is not None:
        newer = ~held if rows.times is None else _newer_than(rows.times, held)
        since[kept] = (sides == _TEST) & newer
    return Assigned(full, {**report, "spare_rows": int((sides == _SPARE).sum())}, since)


def _spread(rows: Read) -> Hashes:
    """What chooses for each row by itself: its inputs, and how many rows of the same inputs and target come before.

    So one more row moves none of the others. The targets of a regression hardly repeat: they take part in the choice.
    """
    both = rows.twins
    return twins.apart(both if rows.labels is None else rows.inputs, both, rows.whole)


def _ranks(decides: Hashes, rows: Read, held: Mask | None = None) -> Places:
    """A number from 0 up to 1 for each row: the smallest are test, then validation, then training.

    With times what came after the rows of the reference (`held`) is ranked by itself: so the older rows stay where they
    are, and of the newer ones some are learned from too.
    """
    places: Places = (decides >> np.uint64(64 - _BITS)).astype(np.float64) / 2.0**_BITS
    if rows.times is None:
        return places
    ranks = np.empty(len(places))
    newer = _newer_than(rows.times, held)
    for part in (~newer, newer):
        own = np.flatnonzero(part)
        newest_first = own[np.lexsort((rows.whole[own], places[own], -rows.times[own]))]
        ranks[newest_first] = (np.arange(len(own)) + 0.5) / max(len(own), 1)
    return ranks


def _newer_than(times: Places, rows: Mask | None) -> Mask:
    """Which rows are newer than the newest of some `rows`; none is where there are none of them."""
    if rows is None or not rows.any():
        return np.zeros(len(times), dtype=np.bool_)
    newer: Mask = times > times[rows].max()
    return newer


def _check_both(sides: Sides, group: str | None) -> None:
    """FactoryError when what stays together leaves nothing for one side."""
    for side, name in ((_TEST, "test"), (_TRAIN, "train")):
        if (sides == side).any():
            continue
        stays = "rows of equal inputs stay" if group is None else f"the rows of each {group} (data.group) stay"
        mend = (
            "data.equal_rows: spread in conf lets them lie on both" if group is None else "bring rows of more of them"
        )
        raise FactoryError(f"no row is left to {name} on, as {stays} on one side of the split: {mend}")


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
        classes = np.zeros(len(trained), dtype=np.int32) if labels is None else labels[trained]
        self._move(trained[self._spared(trained, classes)], _VALIDATION, newest=True)

    def _spared(self, trained: Any, classes: Any) -> Mask:
        """Training rows that may go, with all rows like them: each class keeps some."""
        group = np.unique(self.like[trained], return_inverse=True)[1]
        _, pair, size = np.unique(
            group * (classes.max(initial=0) + 1) + classes, return_inverse=True, return_counts=True
        )
        needed = np.bincount(classes)[classes] - size[pair] < _FEW
        spared: Mask = ~np.isin(group, group[needed])
        return spared

    def _move(self, candidates: Any, side: int, *, newest: bool) -> None:
        """Move the candidate that is first, or last, in the order that decides; a frozen row stays in test."""
        free = candidates[~self.frozen[candidates]]
        if not len(free):
            return
        ranks = self.ranks[free]
        chosen = free[int(ranks.argmin() if newest else ranks.argmax())]
        self.sides[(self.like == self.like[chosen]) & ~self.frozen] = side


def _spare(sides: Sides, rows: Read, decides: Hashes, settings: DataSettings) -> None:
    """Leave `data.max_train_rows` training rows, chosen by other bits of the hash than the sides are."""
    most, trained = settings.max_train_rows, np.flatnonzero(sides == _TRAIN)
    if 0 < most < len(trained):
        whole, own = rows.whole[trained], decides[trained]
        if settings.group is None and settings.equal_rows != "spread":
            own = twins.apart(own, own, whole)  # some rows of each combination of inputs, not all of some
        order = np.lexsort((whole, own * np.uint64(0x9E3779B97F4A7C15)))
        sides[trained[order[most:]]] = _SPARE


def _report(rows: Read, sides: Sides, *, inputs_apart: bool) -> dict[str, Any]:
    """Rows by side, classes by side, and how many test rows have a twin, where it should not, or an id in training."""
    test, trained = sides == _TEST, sides == _TRAIN
    counts = {name: int((sides == number).sum()) for number, name in enumerate(NAMES[:3])}
    leaks: dict[str, int] = {}
    if inputs_apart:
        leaks["inputs"] = int(np.isin(rows.inputs[test], rows.inputs[trained]).sum())
    for name, hashed in rows.ids.items():
        rows_each = np.unique(hashed, return_counts=True)[1]
        if len(rows_each) < _ID_SHARE * len(hashed) or rows_each.max(initial=0) > _SHARED * len(hashed):
            continue
        leaks[name] = int(np.isin(hashed[test], hashed[trained]).sum())
    report: dict[str, Any] = {"splits": counts, "test_rows_known_from_training": leaks}
    if rows.labels is not None:
        classes = int(rows.labels.max()) + 1
        report["rarest_class"] = {
            name: int(np.bincount(rows.labels[sides == number], minlength=classes).min())
            for number, name in enumerate(NAMES[:3])
        }
    return report


def _is_measured(series: Any) -> bool:
    """Whether a column holds numbers with fractions: no id does."""
    if series.dtype.kind != "f":
        return False
    values = row_numbers.numbers(series)
    return bool((values[np.isfinite(values)] % 1 != 0).any())


def _joined(parts: list[Any]) -> Any:
    """The parts of one column as one array; they are let go of, as both would be held else."""
    made = np.concatenate(parts)
    parts.clear()
    return made


def _codes(series: Any, codes: dict[Any, int]) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Labels as numbers, the same for the same label in every chunk."""
    import pandas as pd

    found, values = pd.factorize(series)
    table = np.array([codes.setdefault(value, len(codes)) for value in values], dtype=np.int32)
    made: np.ndarray[Any, np.dtype[np.int32]] = table[found]
    return made


def moments(frame: pd.DataFrame, name: str) -> Places:
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
