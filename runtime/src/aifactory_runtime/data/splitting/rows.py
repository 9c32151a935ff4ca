"""What the split needs of a table, row by row: hashes, classes and times, from one reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.data import column_names, copies, twins
from aifactory_runtime.data import row_hash as row_numbers
from aifactory_runtime.data.row_hash import Hashes
from aifactory_runtime.data.splitting.sides import Mask
from aifactory_runtime.errors import FactoryError, UsageProblem

if TYPE_CHECKING:
    import pandas as pd

SPLIT = column_names.SPLIT
Places = np.ndarray[Any, np.dtype[np.float64]]


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


def scan(
    frames: Iterable[pd.DataFrame],
    roles: Roles,
    group: str | None,
    key: Sequence[str] = (),
    codes: dict[Any, int] | None = None,
) -> Read:
    """What the split needs, from one reading of the table; `key` are the columns that tell copies from other rows.

    `codes`, which is filled, gets the number of each class, in the order in which they come.
    """
    parts: dict[str, list[Any]] = {name: [] for name in ("whole", "inputs", "key", "labels", "targets", "times")}
    parts_of_ids: dict[str, list[Any]] = {name: [] for name in roles.ignored}
    codes = {} if codes is None else codes
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
