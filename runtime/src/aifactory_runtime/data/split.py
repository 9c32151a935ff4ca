"""Gives each row its split by what is in it: no row changes sides as data grows, or as the rows come in another order.

Rows of equal inputs are on one side (`together`), or lie on both in their shares (`spread`); copies are left out.
`assign` does it for a table in memory; a run does the same by partition, in `pipeline.split_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data.splitting import bucket as rules
from aifactory_runtime.data.splitting import decide
from aifactory_runtime.data.splitting.buckets import Held
from aifactory_runtime.data.splitting.rows import SPLIT, Places, Read, Roles, moments, scan
from aifactory_runtime.data.splitting.sides import DROPPED, NAMES, SPARE, TEST, TRAIN, VALIDATION, Mask, Sides

__all__ = [
    "NAMES",
    "SPARE",
    "SPLIT",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Assigned",
    "Mask",
    "Places",
    "Read",
    "Roles",
    "Sides",
    "assign",
    "moments",
    "scan",
]


@dataclass(frozen=True)
class Assigned:
    """The side of each row of the raw table, -1 for a copy, and what the report says about the sides."""

    sides: Sides
    report: Mapping[str, Any]
    since: Mask
    """The test rows that are not of the frozen reference and, with times, newer than it; none without one."""


def assign(read: Read, settings: DataSettings, reference: Read | None) -> Assigned:
    """The side of each row; of copies the first is kept. The rows of the frozen `reference` are test.

    The target takes no part in the choice, unless rows of equal inputs are spread: a row whose label is corrected stays
    where it is. With times the newest rows are test, and of those that came after the frozen ones the newest again,
    else the hash of a row decides. A class of two different rows or more is on both sides, a single row is in training.
    FactoryError for fewer than 10 rows, and where all of them would be on one side.
    """
    begun = rules.begin(0, read, np.arange(len(read.whole)), settings, reference)
    table = decide.Table(read.times is not None, read.labels is not None, tuple(read.ids))
    decided = decide.decide(Held([begun]), [rules.begun(begun)], settings, table)
    full = np.full(len(read.whole), DROPPED, dtype=np.int8)
    full[begun.places] = begun.sides
    since = np.zeros(len(full), dtype=np.bool_)
    if reference is not None:
        since[begun.places] = rules.since(begun, decided.newest)
    return Assigned(full, decided.report, since)
