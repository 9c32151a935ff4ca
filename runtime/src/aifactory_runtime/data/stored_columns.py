"""Stored columns, as Parquet and Delta have them, in the types that we hold; what is lost or changed by it is said."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from aifactory_runtime.data import column_names, lost_digits
from aifactory_runtime.data import kinds as kinds_of
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pyarrow as pa

_NAMELESS_INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls an index without a name where it stores one; Delta keeps nothing else that says what it is."""
_SURE = 15
"""Digits that a float64 always holds."""
_log = logging.getLogger(__name__)


def batches(
    name: str, stored: Iterable[pa.RecordBatch], kinds: Mapping[str, str], without: Collection[str]
) -> Iterator[pa.RecordBatch]:
    """Stored batches in plain types, columns in `kinds` as their kind; FactoryError names a column that is unfit.

    A line in the log names columns whose decimals are rounded, and lengths of time, which become microseconds.
    """
    import pyarrow as pa

    said = _Said(name)
    for batch in stored:
        made = {}
        for column, values in zip(column_names.unique(name, batch.schema.names), batch.columns, strict=True):
            if wanted(column, kinds, without):
                made[column] = plain(name, column, values, kinds)
                said.add(column, values, made[column])
        said.rows += batch.num_rows
        yield pa.RecordBatch.from_pydict(made)
    said.say()


def plain(name: str, column: str, values: pa.Array, kinds: Mapping[str, str]) -> pa.Array:
    """Values in a plain type, as the kind of their column where `kinds` has one; FactoryError when they are unfit."""
    try:
        found = kinds_of.plain(values)
        return kinds_of.to_kind(found, kinds[column]) if column in kinds else found
    except kinds_of.Unfit as problem:
        raise FactoryError(f"{name}: column {column} {problem}") from None


def wanted(column: str, kinds: Mapping[str, str], without: Collection[str]) -> bool:
    """Whether a column is read: an index that pandas stored without a name only where it is declared."""
    return column not in without and (column in kinds or not _NAMELESS_INDEX.fullmatch(column))


class _Said:
    """What a person should know of the columns once all rows went by."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.rows = 0
        """Rows before the batch that is looked at."""
        self._rounded: dict[str, tuple[int, int]] = {}
        self._lengths: dict[str, None] = {}

    def add(self, column: str, values: pa.Array, made: pa.Array) -> None:
        """Look at the values of a batch, as they are stored and as they are held."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_duration(values.type):
            self._lengths[column] = None
        if not (pa.types.is_decimal(values.type) and values.type.precision > _SURE and pa.types.is_floating(made.type)):
            return
        rounded = lost_digits.lost(values.cast(pa.string()), made)
        if count := pc.sum(rounded).as_py() or 0:
            before, first = self._rounded.get(column, (0, self.rows + rounded.index(True).as_py() + 1))
            self._rounded[column] = (before + count, first)

    def say(self) -> None:
        """One line for each column."""
        for column, (count, row) in self._rounded.items():
            _log.warning(
                "note: %s: decimals of %s with more digits than a model holds are rounded: %d, the first in row %d",
                self._name, column, count, row,
            )  # fmt: skip
        for column in self._lengths:
            _log.warning("note: %s: column %s holds lengths of time: read as whole microseconds", self._name, column)
