"""Parts of a table brought to the same columns, by name; or the part and the column are named that do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aifactory_runtime.data import kinds as kinds_of
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    import pyarrow as pa

_DIGITS = "uint64"
"""Stands for whole numbers that are held as texts of their digits."""
_WORDS = {
    "double": "numbers",
    "int64": "whole numbers",
    _DIGITS: "whole numbers",
    "bool": "truth values",
    "string": "texts",
}
_DATES = "dates"


class Union:
    """The columns that parts have together, in the order in which they first come; types are those of `kinds.plain`.

    Whole numbers in one part and decimals in another are decimals together, a column without a value fits any.
    """

    def __init__(self, name: str, kinds: Mapping[str, str]) -> None:
        self._name = name
        self._types: dict[str, Any] = {column: kinds_of.arrow_type(kind) for column, kind in kinds.items()}
        self._kinds = kinds
        self._from: dict[str, str] = {}
        """The part that a column's type is from."""
        self._columns: list[dict[str, None]] = []
        self._parts: list[str] = []

    def add(self, part: str, columns: Mapping[str, Any]) -> None:
        """Take in what a part has: plain types by column, None for one without a value, uint64 for texts of digits."""
        self._columns.append(dict.fromkeys(columns))
        self._parts.append(part)
        for column, found in columns.items():
            before = self._types.get(column)
            if column in self._kinds or found is None:
                self._types.setdefault(column, None)
            elif before is None:
                self._types[column], self._from[column] = found, part
            elif before != found:
                self._types[column] = self._wider(column, before, found, part)

    @property
    def names(self) -> list[str]:
        """All columns of all parts."""
        return list({column: None for columns in self._columns for column in columns})

    def lacking(self, parts: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        """Each part, in the order they were added, that lacks columns which others have; and those columns."""
        names = self.names
        for part, columns in zip(parts, self._columns, strict=True):
            if missing := [column for column in names if column not in columns]:
                yield part, missing

    def first_with(self, column: str) -> str:
        """The first part that has a column which some part has."""
        return next(part for part, columns in zip(self._parts, self._columns, strict=True) if column in columns)

    def fitted(self, part: str, found: Mapping[str, Any], rows: int) -> pa.RecordBatch:
        """Arrays of a part, by column, as the table has them: every column, nulls where the part has none."""
        import pyarrow as pa

        made = {}
        for column in self.names:
            wanted = self._types[column]
            if wanted is None or str(wanted) == _DIGITS:
                wanted = pa.string()
            values = found.get(column)
            try:
                if values is not None and pa.types.is_string(values.type) and pa.types.is_floating(wanted):
                    values = values.cast(pa.int64())  # digits: those that a float64 would not hold are refused
                made[column] = pa.nulls(rows, wanted) if values is None else values.cast(wanted)
            except pa.ArrowInvalid:
                raise FactoryError(
                    f"{self._name}: column {column} holds whole numbers beyond 2^53 in {part}, decimals in others: "
                    "write it alike in all parts"
                ) from None
        return pa.RecordBatch.from_pydict(made)

    def whole(self) -> Union:
        """The same for who only fits parts to it: it names no part, however many there are."""
        made = Union(self._name, self._kinds)
        made._types, made._columns = self._types, [dict.fromkeys(self.names)]
        return made

    def _wider(self, column: str, before: Any, found: Any, part: str) -> Any:
        import pyarrow as pa

        kinds = {str(before), str(found)}
        if kinds <= {"int64", "double", _DIGITS}:
            return pa.float64() if "double" in kinds else pa.uint64()
        one, other = (_WORDS.get(str(kind), _DATES) for kind in (before, found))
        raise FactoryError(
            f"{self._name}: column {column} holds {one} in {self._from[column]}, {other} in {part}: write it alike in "
            "all parts"
        )
