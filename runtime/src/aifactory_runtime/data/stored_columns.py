"""Stored columns, as Parquet and Delta have them, in the types that we hold; what is lost or changed by it is said."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from aifactory_runtime.data import column_names, lost_digits
from aifactory_runtime.data import kinds as kinds_of
from aifactory_runtime.data.notes import Notes
from aifactory_runtime.data.pieces import Wanted
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pyarrow as pa

_NAMELESS_INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls an index without a name where it stores one; Delta keeps nothing else that says what it is."""
_SURE = 15
"""Digits that a float64 always holds."""


def batches(
    name: str, stored: Iterable[pa.RecordBatch], wanted: Wanted, notes: Notes, before: int = 0
) -> Iterator[pa.RecordBatch]:
    """Stored batches in plain types, `wanted` columns as their kind; FactoryError names a column that is unfit.

    `notes` get columns whose decimals are rounded, and lengths of time, which become microseconds. `before` counts the
    rows of the file that come before.
    """
    import pyarrow as pa

    rows = before
    for batch in stored:
        made = {}
        for column, values in zip(column_names.unique(name, batch.schema.names), batch.columns, strict=True):
            if is_read(column, wanted.kinds, wanted.without):
                made[column] = plain(name, column, values, wanted.kinds)
                _note(notes, (name, column), (values, made[column]), rows)
        rows += batch.num_rows
        yield pa.RecordBatch.from_pydict(made)


def plain(name: str, column: str, values: pa.Array, kinds: Mapping[str, str]) -> pa.Array:
    """Values in a plain type, as the kind of their column where `kinds` has one; FactoryError when they are unfit."""
    try:
        found = kinds_of.plain(values)
        return kinds_of.to_kind(found, kinds[column]) if column in kinds else found
    except kinds_of.Unfit as problem:
        raise FactoryError(f"{name}: column {column} {problem}") from None


def is_read(column: str, kinds: Mapping[str, str], without: Collection[str]) -> bool:
    """Whether a column is read: an index that pandas stored without a name only where it is declared."""
    return column not in without and (column in kinds or not _NAMELESS_INDEX.fullmatch(column))


def _note(notes: Notes, of: tuple[str, str], both: tuple[pa.Array, pa.Array], rows: int) -> None:
    """What a person should know of a column's values as they are stored and as they are held, behind so many rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    (name, column), (values, made) = of, both
    if pa.types.is_duration(values.type):
        notes.once(f"{name}: column {column} holds lengths of time: read as whole microseconds")
    if not (pa.types.is_decimal(values.type) and values.type.precision > _SURE and pa.types.is_floating(made.type)):
        return
    rounded = lost_digits.lost(values.cast(pa.string()), made)
    if count := pc.sum(rounded).as_py() or 0:
        sentence = f"{name}: decimals of {column} with more digits than a model holds are rounded"
        notes.count(sentence, count, rows + rounded.index(True).as_py() + 1)
