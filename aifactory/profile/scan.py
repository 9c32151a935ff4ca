"""One pass over a table: every column added up, equal rows counted, and a part of the rows kept, drawn evenly."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from aifactory.profile.column import MISSING_HASH, ColumnScan, Hashes
from aifactory.profile.column_rules import Around, Rule
from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import column_reading, copies, source, sum_rows
from aifactory_runtime.data import kinds as kinds_of
from aifactory_runtime.data import row_hash as row_numbers
from aifactory_runtime.data.located import Located
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE_ROWS = 20_000
_NO_CHANCE = 2
_SURE = 4
"""After so many passes the last rule of a column stands."""
_SEED = 7
_PRIME = np.uint64(0x100000001B3)
_HASHES = 30_000_000
"""Hashes of rows and of columns that may be keys, eight bytes each, that equal rows are looked for in: of a table with
more of them the first rows."""
_KEYS = ("integer", "text", "date")
"""Kinds of columns that may be a key or an id."""
_STORED = {"double": "number", "int64": "integer", "bool": "boolean", "string": "text", "timestamp[us]": "date"}
_TEXT = Rule("text", final=True)


@dataclass(frozen=True)
class Table:
    """What one pass over a table found."""

    rows: int
    equal: int
    """Rows that equal one before them in every column."""
    copies: Mapping[str, int]
    """How many of these are copies if a column is a key: by the names of those that can be, as no two different rows
    share a value of it."""
    columns: tuple[ColumnScan, ...]
    read: ReadSettings
    last: Mapping[str, Any]
    """Cells of the last row of a text table, by column; of other tables none."""
    kept: pa.Table
    """At most twice SAMPLE_ROWS of its rows, drawn evenly, as the source stores them."""

    @property
    def sums(self) -> str | None:
        """The word in the last row, and nowhere else in its column, that may say that the row sums up the others.

        What says so for certain is refused by the reader.
        """
        for column in self.columns:
            cell = str(self.last.get(column.name) or "")
            if sum_rows.may_be_sum(cell) and (column.counts or {}).get(cell.strip(), 1) == 1:
                return sum_rows.word(cell)
        return None

    def column(self, name: str) -> ColumnScan | None:
        """The column of that name; None when there is none."""
        return next((column for column in self.columns if column.name == name), None)

    def values(self, name: str, kind: str) -> pa.Array:
        """Kept values of a column as `kind`."""
        values: pa.Array = self.kept.column(name).combine_chunks()
        if name in self.read.columns:
            return column_reading.typed(values, kind, self.read.columns[name], self.read.decimal).values
        found: pa.Array = kinds_of.to_kind(values, kind, self.read.dates, self.read.decimal)
        return found


def scan(located: Located, read: ReadSettings, kinds: Mapping[str, str] | None = None) -> Table:
    """Look at every row; FactoryError when the table cannot be read or its files have different columns.

    Columns in `kinds` are read as training reads them, by the rules in `read`. How others of a text file are written is
    found out: they are looked at again when what stands further down says that they are to be read otherwise.
    """
    declared = kinds or {}
    rules = {name: _TEXT for name, kind in declared.items() if kind in {"text", "category"}}
    around = Around(read.decimal, by_rule=read.format == "csv")
    for passes in itertools.count(1):
        table = _scan(located, read, declared, rules, around)
        marks = {column.proves for column in table.columns} - {None}
        around = replace(around, proven=marks.pop() if len(marks) == 1 else None)
        others = {c.name: rule for c in table.columns if (rule := c.another_rule(around.proven)) is not None}
        if not others:
            break
        rules |= {name: replace(rule, final=rule.final or passes >= _SURE) for name, rule in others.items()}
    _check_footer(located.name, table)
    own = {column.name: reading for column in table.columns if (reading := column.reading)}
    return replace(table, read=read.model_copy(update={"columns": own, "dates": ()}))


def _scan(
    located: Located, read: ReadSettings, kinds: Mapping[str, str], rules: Mapping[str, Rule], around: Around
) -> Table:
    columns: list[ColumnScan] = []
    keeper, equal, rows, last = _Keeper(), _EqualRows(), 0, None
    for batch in source.batches(located, read, kinds):
        if not columns:
            stored = {field.name: _STORED[str(field.type)] for field in batch.schema}
            columns = [ColumnScan(name, kind, around, rules.get(name)) for name, kind in stored.items()]
        if [column.name for column in columns] != batch.schema.names:
            raise FactoryError(f"{located.name}: its files have different columns: name one table")
        whole = np.zeros(batch.num_rows, dtype=np.uint64)
        keys: dict[str, Hashes] = {}
        for column, values in zip(columns, batch.columns, strict=True):
            hashed = column.add(values)
            whole = whole * _PRIME + hashed
            if column.kind in _KEYS and equal.watches(column.name):
                keys[column.name] = hashed
        rows += batch.num_rows
        equal.add(whole, keys)
        keeper.add(batch)
        last = batch.slice(batch.num_rows - 1) if batch.num_rows else last
    cells = {} if last is None or read.format != "csv" else last.to_pylist()[0]
    return Table(rows, *equal.count(), tuple(columns), read, cells, keeper.table())


def _check_footer(name: str, table: Table) -> None:
    """FactoryError when the last row holds words in columns of numbers or dates, in two or more: that is no chance."""
    texts = {column: cell for column, cell in table.last.items() if isinstance(cell, str)}  # others were read as told
    words = [column.name for column in table.columns if column.odd.is_only(texts.get(column.name))]
    if len(words) >= _NO_CHANCE:
        raise FactoryError(
            f"{name}: the last row holds words in {words[0]} and {words[1]}, where all others have numbers or dates: "
            "if it is a sum or a source, take it out"
        )


class _EqualRows:
    """Rows that are there before, by a hash of the whole row, and the columns that may tell copies from other rows."""

    def __init__(self) -> None:
        self._hashes: list[Hashes] = []
        self._held = 0
        self._candidates: copies.Candidates | None = None

    def watches(self, name: str) -> bool:
        """Whether a column may still be a key."""
        return self._candidates is None or (name,) in self._candidates.names

    def add(self, whole: Hashes, keys: Mapping[str, Hashes]) -> None:
        """Take in the hashes of a batch: of its rows, and of the columns that are watched."""
        if self._held >= _HASHES:
            return
        if self._candidates is None:
            self._candidates = copies.Candidates((name,) for name in keys)
        for name, hashed in keys.items():
            there = np.where(hashed == MISSING_HASH, copies.MISSING, hashed)
            self._candidates.add((name,), there, whole)
        self._hashes.append(whole)
        self._held += len(whole) * (1 + len(self._candidates.names))

    def count(self) -> tuple[int, dict[str, int]]:
        """Rows that equal one before them, and how many of them are copies by each column that may be a key."""
        whole = np.concatenate(self._hashes)
        equal = row_numbers.repeated(whole)
        if not equal or self._candidates is None:
            return equal, {}
        found = self._candidates.keys(whole)
        return equal, {names[0]: int(copies.copied(whole, hashed).sum()) for names, hashed in found.items()}


class _Keeper:
    """Keeps rows with equal chance: each draws a number, those below a falling bar stay."""

    def __init__(self) -> None:
        self._draw = np.random.default_rng(_SEED)
        self._bar = 1.0
        self._kept: list[Any] = []
        self._drawn: list[Any] = []

    def add(self, batch: pa.RecordBatch) -> None:
        import pyarrow as pa

        drawn = self._draw.random(batch.num_rows)
        stays = drawn < self._bar
        if stays.any():
            self._kept.append(batch.filter(pa.array(stays)) if not stays.all() else batch)
            self._drawn.append(drawn[stays])
        if sum(len(part) for part in self._drawn) > 2 * SAMPLE_ROWS:
            self._lower()

    def table(self) -> pa.Table:
        import pyarrow as pa

        return pa.Table.from_batches(self._kept)

    def _lower(self) -> None:
        import pyarrow as pa

        drawn = np.concatenate(self._drawn)
        self._bar = float(np.partition(drawn, SAMPLE_ROWS)[SAMPLE_ROWS])
        stays = drawn < self._bar
        table = self.table().filter(pa.array(stays)).combine_chunks()
        self._kept, self._drawn = table.to_batches(), [drawn[stays]]
