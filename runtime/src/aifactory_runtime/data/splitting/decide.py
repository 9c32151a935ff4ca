"""What the split decides over all buckets: ranks by time, rare classes, rows beyond a limit; and its report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data.splitting import bucket as rules
from aifactory_runtime.data.splitting import cuts, mending
from aifactory_runtime.data.splitting.bucket import NEWER, OLDER, Begun
from aifactory_runtime.data.splitting.buckets import Buckets
from aifactory_runtime.data.splitting.cuts import Key
from aifactory_runtime.data.splitting.sides import NAMES, TEST_NUMBER, TRAIN_NUMBER
from aifactory_runtime.errors import FactoryError

_FEWEST_ROWS = 10
_ID_SHARE = 0.01
"""An ignored column with so many different values, by row, may say who or what a row is about."""
_SHARED = 0.2
"""A column with one value in so many rows tells nobody apart."""
_TOLD = 1 << 17
"""Keys that all buckets tell at a time."""


@dataclass(frozen=True)
class Table:
    """What is decided about: `timed` with times, `labelled` with classes, `ids` the columns that may be ids."""

    timed: bool
    labelled: bool
    ids: Sequence[str] = ()


@dataclass(frozen=True)
class Decided:
    """What the report says of the sides, and the newest moment of the rows that the reference holds."""

    report: dict[str, Any]
    newest: float | None


def decide(buckets: Buckets, begun: Iterable[Begun], settings: DataSettings, table: Table) -> Decided:
    """Give each row in the buckets its side; what they told when they began is merged, one after the other.

    FactoryError for fewer than 10 rows, and where all of them would be on one side.
    """
    rows, classes, newest = _merged(begun)
    if rows < _FEWEST_ROWS:
        raise FactoryError(f"{rows} rows are too few to train and test on: the pipeline needs more data")
    sizes = (rows, 0)
    if table.timed:
        sizes = _by_time(buckets, settings, newest)
    counts = sum(buckets.each(partial(rules.counts, classes=classes)), np.zeros((classes, len(NAMES)), np.int64))
    mend = mending.Mend(buckets, counts, timed=table.timed)
    if table.timed:
        mend.ranked_from(newest, sizes)
    mend.learned_and_tested()
    if table.labelled:
        mend.both_sides()
    mend.validated()
    _check_both(mend.counts, settings.group)
    report = _report(buckets, mend.counts, rows, settings, table)
    return Decided({**report, "spare_rows": _spare(buckets, int(mend.counts[:, TRAIN_NUMBER].sum()), settings)}, newest)


def _merged(begun: Iterable[Begun]) -> tuple[int, int, float | None]:
    """Rows, classes, and the newest moment of rows that the reference holds."""
    rows, classes, newest = 0, 0, None
    for one in begun:
        rows += one.rows
        classes = max(classes, one.classes)
        if one.newest is not None:
            newest = one.newest if newest is None else max(newest, one.newest)
    return rows, classes, newest


def _by_time(buckets: Buckets, settings: DataSettings, newest: float | None) -> tuple[int, int]:
    """Cut the rows by time, older and newer ones by themselves; how many there are of both."""
    sizes = [0, 0]
    for older, newer in buckets.each(partial(rules.groups, newest=newest)):
        sizes[OLDER] += older
        sizes[NEWER] += newer
    shares = (settings.test_share, settings.test_share + settings.validation_share)
    upto = [[mending.below(share, size) for share in shares] for size in sizes]
    wanted = [(group, count - 1) for group, both in enumerate(upto) for count in both if count]
    most = max(cuts.FEWEST, _TOLD // buckets.count)

    def ask(ranges: Sequence[cuts.Range]) -> Iterator[Sequence[cuts.Told]]:
        return buckets.each(partial(rules.told, ranges=tuple(ranges), newest=newest, most=most))

    keys = iter(cuts.find(wanted, ask))
    ends: list[tuple[Key | None, Key | None]] = []
    for both in upto:
        test, validation = (next(keys) if count else None for count in both)
        ends.append((test, validation))
    buckets.change_each(partial(rules.cut, newest=newest, ends=tuple(ends)))
    return sizes[OLDER], sizes[NEWER]


def _check_both(counts: Any, group: str | None) -> None:
    """FactoryError when what stays together leaves nothing for one side."""
    for side, name in ((TEST_NUMBER, "test"), (TRAIN_NUMBER, "train")):
        if counts[:, side].any():
            continue
        stays = "rows of equal inputs stay" if group is None else f"the rows of each {group} (data.group) stay"
        mend = (
            "data.equal_rows: spread in conf lets them lie on both" if group is None else "bring rows of more of them"
        )
        raise FactoryError(f"no row is left to {name} on, as {stays} on one side of the split: {mend}")


def _report(buckets: Buckets, counts: Any, rows: int, settings: DataSettings, table: Table) -> dict[str, Any]:
    """Rows by side, classes by side, and how many test rows have a twin, where it should not, or an id in training."""
    leaks: dict[str, int] = {}
    if not _spread(settings):
        leaks["inputs"] = sum(buckets.each(rules.known))
    for name in table.ids:
        parts = list(buckets.by_id(name, rules.known_ids))
        most = max(part.most for part in parts)
        if sum(part.values for part in parts) < _ID_SHARE * rows or most > _SHARED * rows:
            continue
        leaks[name] = sum(part.rows for part in parts)
    named = list(enumerate(NAMES[:3]))
    splits = {name: int(counts[:, number].sum()) for number, name in named}
    report: dict[str, Any] = {"splits": splits, "test_rows_known_from_training": leaks}
    if table.labelled:
        report["rarest_class"] = {name: int(counts[:, number].min()) for number, name in named}
    return report


def _spare(buckets: Buckets, trained: int, settings: DataSettings) -> int:
    """Leave `data.max_train_rows` training rows; how many are not used."""
    most = settings.max_train_rows
    if not 0 < most < trained:
        return 0
    alone = settings.group is None and settings.equal_rows != "spread"
    told = max(cuts.FEWEST, _TOLD // buckets.count)

    def ask(ranges: Sequence[cuts.Range]) -> Iterator[Sequence[cuts.Told]]:
        return buckets.each(partial(rules.spare_told, ranges=tuple(ranges), alone=alone, most=told))

    (last,) = cuts.find([(0, most - 1)], ask)
    return sum(buckets.change_each(partial(rules.spare, last=last, alone=alone)))


def _spread(settings: DataSettings) -> bool:
    return settings.equal_rows == "spread" and settings.group is None
