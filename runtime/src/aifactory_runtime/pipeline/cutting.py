"""Cuts columns of the prepared table into named parts, by what training rows say, and puts judged rows into them.

Rows come in chunks; of each column only the number of each row's part is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory_runtime.data import split, tables
from aifactory_runtime.data.tables import PREPARED, REFERENCE
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.gate import cuts
from aifactory_runtime.gate.cuts import Cut
from aifactory_runtime.gate.slices import Placed
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_CHUNK_ROWS = 200_000
Array = np.ndarray[Any, Any]


class Table:
    """The rows that are judged, in the order in which the models answered."""

    def __init__(self, context: Context, handoff: Handoff, *, reference: bool) -> None:
        self.reference = reference
        name = REFERENCE if reference else PREPARED
        self._where = None if reference else (split.SPLIT, split.TEST)
        self._place = (context.tables, name, handoff.table(name, "prepare").version)
        self.types: dict[str, Any] = {entry.name: entry.type for entry in tables.columns(*self._place)}

    def chunks(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Frames of these columns, row after row."""
        return tables.batches(*self._place, columns=columns, where=self._where, rows=_CHUNK_ROWS)


def named(context: Context, handoff: Handoff, columns: Sequence[str], setting: str) -> list[Cut]:
    """The cuts of the columns that a setting names; UsageProblem when one is not there or cannot be cut."""
    types = _prepared(context, handoff)
    target, made = context.project.science.target(), []
    for name in columns:
        if name == target:
            raise UsageProblem(f"{setting}: {name} is the target; name columns that are known beforehand")
        if name not in types:
            raise UsageProblem(f"{setting}: {name} is no column of the table; it has {', '.join(sorted(types))}")
        cut = _cut(context, handoff, name, types[name])
        if cut is None:
            raise UsageProblem(
                f"{setting}: {name} has more than {cuts.MOST_VALUES:,} values, which makes no slices; name a column "
                "of fewer, or leave it out"
            )
        made.append(cut)
    return made


def placed(table: Table, found: Sequence[Cut]) -> list[Placed]:
    """The part of each judged row, by column."""
    parts: list[list[Array]] = [[np.empty(0, np.int16)] for _ in found]
    if found:
        for chunk in table.chunks([cut.column for cut in found]):
            for cut, part in zip(found, parts, strict=True):
                part.append(cut.place(chunk[cut.column]))
    return [Placed(cut.column, cut.names, np.concatenate(part)) for cut, part in zip(found, parts, strict=True)]


def training(context: Context, handoff: Handoff, column: str) -> Iterator[pd.Series[Any]]:
    """A column of the training rows, chunk by chunk."""
    version, where = handoff.table(PREPARED, "prepare").version, (split.SPLIT, split.TRAIN)
    chunks = tables.batches(context.tables, PREPARED, version, columns=[column], where=where, rows=_CHUNK_ROWS)
    return (chunk[column] for chunk in chunks)


def _prepared(context: Context, handoff: Handoff) -> dict[str, pa.DataType]:
    version = handoff.table(PREPARED, "prepare").version
    found = tables.columns(context.tables, PREPARED, version)
    return {entry.name: entry.type for entry in found if entry.name != split.SPLIT}


def _cut(context: Context, handoff: Handoff, name: str, kind: pa.DataType) -> Cut | None:
    """None for a column of too many texts."""
    rows = training(context, handoff, name)
    if _is_number(kind) or _is_date(kind):
        return cuts.bins(name, rows, dates=_is_date(kind))
    return cuts.levels(name, rows)[0]


def fits(cut: Cut, kind: pa.DataType) -> bool:
    """Whether a column of this type can be put into the parts."""
    if isinstance(cut, cuts.Bins):
        return _is_date(kind) if cut.dates else _is_number(kind)
    return not (_is_number(kind) or _is_date(kind))


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_date(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))
