"""Whether rows are equal as the columns take few values, and what the pipeline does with rows that are equal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from aifactory.profile import leaks
from aifactory.profile.column import to_numbers
from aifactory.profile.scan import Table

_ROWS_A_VALUE = 20
"""Rows that each value of a column has on average, where the column takes few."""
_ROWS_EACH, _ROWS_EACH_BY_CHANCE = 4, 2
"""Rows that a combination of values has on average, in the table and with each column shuffled, where they are few: of
rows that were copied, columns that are shuffled make new combinations."""
_SEED = 7


@dataclass(frozen=True)
class EqualRows:
    """Rows that equal one before them in every column, and how the pipeline takes them."""

    copies: int
    """Of these a key or an id is equal too."""
    key: str | None
    """The column that says so."""
    others: int
    """The other ones, which all count."""
    split: Literal["spread", "together"]
    """Whether rows of equal inputs may lie on both sides of the split."""


def find(table: Table, inputs: Sequence[str], keys: Sequence[str]) -> EqualRows:
    """What becomes of equal rows, where a model sees `inputs` and `keys` may tell copies from other rows."""
    key = max((name for name in keys if name in table.copies), key=lambda name: table.copies[name], default=None)
    copied = 0 if key is None else table.copies[key]
    draw = np.random.default_rng(_SEED)
    few = (
        all(_few([_codes(table, name)], _ROWS_A_VALUE) for name in inputs)
        and _few((_codes(table, name) for name in inputs), _ROWS_EACH)
        and _few((draw.permutation(_codes(table, name)) for name in inputs), _ROWS_EACH_BY_CHANCE)
        and not _copied_as_a_whole(table)
    )
    return EqualRows(copied, key, table.equal - copied, "spread" if few else "together")


def notes(found: EqualRows) -> list[str]:
    """What a person should know, a line each."""
    said = []
    if found.copies:
        said.append(f"{found.copies} rows are copies, equal in every column, {found.key} among them: each counts once")
    if found.others and found.split == "spread":
        said.append(
            f"{found.others} rows equal another one, as the columns take few values: all count, and rows of equal "
            "inputs may be in training and in test (data.equal_rows: spread in conf/base.yaml)"
        )
    elif found.split == "spread":
        said.append(
            "columns take few values: rows of equal inputs may be in training and in test (data.equal_rows: spread in "
            "conf/base.yaml)"
        )
    elif found.others:
        said.append(
            f"{found.others} rows equal another one, and no id says that they are copies: all count, and rows of equal "
            "inputs stay on one side of the split (data.equal_rows: together in conf/base.yaml)"
        )
    return said


def _codes(table: Table, name: str) -> Any:
    """The values of a column as whole numbers, among the rows that were kept; a missing one has its own."""
    column = table.column(name)
    assert column is not None  # noqa: S101 - its name comes from the table
    values = table.values(name, column.kind)
    found = leaks.codes(values) if column.kind == "text" else to_numbers(values, column.kind)
    return np.unique(found, return_inverse=True)[1]


def _few(columns: Iterable[Any], rows_each: int) -> bool:
    """Whether each combination of values of these columns is there in so many rows on average."""
    return all((rows.max(initial=0) + 1) * rows_each <= len(rows) for rows in _combined(columns))


def _combined(columns: Iterable[Any]) -> Iterator[Any]:
    """A whole number from 0 on for each row, equal for equal rows: of the first column, the first two, and so on."""
    made: Any = None
    for codes in columns:
        made = codes if made is None else made * (int(codes.max(initial=0)) + 1) + codes
        made = np.unique(made, return_inverse=True)[1]
        yield made


def _copied_as_a_whole(table: Table) -> bool:
    """Whether every row is there twice, or three times, ...: so a table is that was written several times."""
    *_, rows = _combined(_codes(table, column.name) for column in table.columns)
    return math.gcd(*np.bincount(rows).tolist()) > 1
