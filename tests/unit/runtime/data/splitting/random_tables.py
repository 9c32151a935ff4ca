"""Small tables with equal rows, ids, groups and times, and ways to split them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import split
from aifactory_runtime.errors import FactoryError

Found = tuple[list[int], list[bool], dict[str, Any]] | str


@dataclass(frozen=True)
class Case:
    """A table and how it is split."""

    frame: pd.DataFrame
    roles: split.Roles
    settings: DataSettings
    key: tuple[str, ...] = ()
    reference: pd.DataFrame | None = None

    @property
    def reference_roles(self) -> split.Roles:
        """The reference has no time of its own."""
        return replace(self.roles, time=None)


def table(draw: np.random.Generator, rows: int, classes: int) -> pd.DataFrame:
    """Columns of few values or many; the target is a number with a fraction for no classes."""
    few = int(draw.choice([2, 5, 1_000]))
    labels = draw.choice(classes, rows, p=draw.dirichlet(np.ones(classes) * 0.4)) if classes else None
    return pd.DataFrame(
        {
            "a": draw.integers(0, few, rows),
            "b": draw.integers(0, 3, rows),
            "y": draw.normal(size=rows).round(1) if labels is None else labels,
            "id": draw.integers(0, max(1, rows // int(draw.choice([1, 2, 5]))), rows),
            "who": draw.integers(0, max(2, rows // 9), rows),
            "when": draw.integers(0, int(draw.choice([3, 50, 5_000])), rows).astype(float),
        }
    )


def case(seed: int) -> Case:
    """A table with some copies, and a way to split it."""
    draw = np.random.default_rng(seed)
    rows, classes = int(draw.choice([12, 30, 60, 400])), int(draw.choice([0, 2, 3, 12]))
    frame = table(draw, rows, classes)
    if draw.random() < 0.5:
        frame = pd.concat([frame, frame.head(rows // 4)], ignore_index=True)
    time = "when" if draw.random() < 0.4 else None
    roles = split.Roles("y", ("id", "who"), time, classes == 0)
    conf = {
        "test_share": float(draw.choice([0.05, 0.2, 0.5])),
        "validation_share": float(draw.choice([0.05, 0.1, 0.3])),
        "equal_rows": (None, "spread", "together")[int(draw.integers(0, 3))],
        "max_train_rows": int(draw.choice([0, 0, 5, 20])),
        "group": "who" if draw.random() < 0.3 else None,
    }
    return Case(frame, roles, DataSettings.model_validate(conf), ("id",) if draw.random() < 0.5 else ())


def grown(before: Case, sides: Sequence[int], seed: int) -> Case:
    """The table with more rows, some of them newer, against the test rows of before."""
    draw = np.random.default_rng(seed)
    reference = before.frame[np.array(sides) == split.NAMES.index(split.TEST)]
    more = table(draw, int(draw.integers(1, 80)), 0 if before.roles.regression else 2)
    if draw.random() < 0.7:
        more["when"] += 10_000
    parts = [before.frame, more, reference.head(3)] if draw.random() < 0.5 else [more, before.frame.iloc[::2]]
    if draw.random() < 0.3:
        reference = reference.assign(y=reference["y"].iloc[0])
    return replace(before, frame=pd.concat(parts, ignore_index=True), reference=reference)


def at_once(one: Case) -> Found:
    """Sides, which rows are newer than the reference, and the report; or the line that refuses the table."""
    roles, group = one.roles, one.settings.group
    known = None if one.reference is None else split.scan([one.reference], one.reference_roles, group)
    try:
        found = split.assign(split.scan([one.frame], roles, group, one.key), one.settings, known)
    except FactoryError as error:
        return str(error)
    return found.sides.tolist(), found.since.tolist(), dict(found.report)
