"""What a column is for, by what its values look like; each proposal says why."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aifactory.profile.column import ColumnScan

CLOSED = 30
"""At most so many texts are a closed set; of more, new ones are to be expected."""
OPEN = 150
"""At most so many texts are kept apart; the columns of zeros and ones that they become have to stay few."""
_FEW_WORDS = 1.5
_MOSTLY = 0.9
_ENOUGH = 20
_ID_NAME = re.compile(
    r"(^|.*[\s_.-])(id|uuid|guid|key|nr|no|number|index|unnamed_\d+|unnamed: ?[\d.]+|level_\d+)$", re.IGNORECASE
)
_PANDAS_INDEX = re.compile(r"unnamed: ?0(\.\d+)?|unnamed_1|level_\d+", re.IGNORECASE)
"""What pandas, and what we, call an index that was saved with a table."""
_CAMEL_ID = re.compile(r".*[a-z](Id|ID|Nr|Key)$")
_TIME_NAME = re.compile(
    r"(^|.*[\s_.-])(date|datum|time|timestamp|datetime|day|month|ts|when|at|on|recorded|created|ordered)$",
    re.IGNORECASE,
)
_NOT_THE_TIME = re.compile(r"birth|born|dob|geburt|expir|due|valid", re.IGNORECASE)


@dataclass(frozen=True)
class Role:
    """What a column is for (`role`), the kind its values are declared to be, and why."""

    role: str
    kind: str
    reason: str


def propose(column: ColumnScan) -> Role:
    """The role of a column that is not the target."""
    if column.present == 0:
        return Role("empty", "text", "no row has a value")
    if column.distinct == 1 and column.missing == 0:
        digits = ", to 15 digits" if column.kind == "number" else ""
        return Role("constant", column.kind, f"every row has the same value{digits}")
    if column.kind == "text":
        return _of_texts(column)
    if column.kind in {"date", "boolean"}:
        every = column.taken or "every value is a date"
        return Role(column.kind, column.kind, every if column.kind == "date" else "true or false")
    return _of_numbers(column)


def time_reason(column: ColumnScan, role: Role) -> str | None:
    """Why the rows of the table are in the order of this column of dates; None when nothing says so."""
    if role.role != "date" or column.distinct < _ENOUGH or column.missing or _NOT_THE_TIME.search(column.name):
        return None
    if column.rising or column.falling:
        return "dates, and the rows are in their order"
    return "dates, and the name says when a row came about" if _TIME_NAME.match(column.name) else None


def _of_numbers(column: ColumnScan) -> Role:
    unique = column.distinct >= column.present >= _ENOUGH
    if column.kind == "integer" and unique and column.missing == 0:
        ordered = column.rising or column.falling
        if column.highest - column.lowest + 1 == column.rows and (ordered or column.lowest in {0, 1}):
            order = "" if ordered else ", in another order"
            return Role("id", "integer", f"whole numbers that count the rows{order}")
        if _named_id(column.name):
            return Role("id", "integer", "every row has another, and the name says so")
    if column.kind == "integer" and _PANDAS_INDEX.fullmatch(column.name) and column.lowest == column.missing == 0:
        return Role("id", "integer", "counts from 0 under the name of a saved index")
    if column.kind == "integer" and _named_id(column.name) and column.distinct > max(OPEN, column.rows // 2):
        return Role("id", "integer", "the name says so, and most rows have another")
    if column.kind == "integer":
        return Role("number", "integer", f"whole numbers, {column.distinct} different")
    return Role("number", "number", column.taken or "every value is a number")


def _of_texts(column: ColumnScan) -> Role:
    words = column.words / column.present
    unique = column.distinct >= _MOSTLY * column.present and column.present >= _ENOUGH
    if unique and words < _FEW_WORDS:
        return Role("id", "text", "texts of one word, nearly every row another")
    if _named_id(column.name) and column.distinct > max(OPEN, column.rows // 10):
        return Role("id", "text", f"the name says so, {column.distinct} different")
    if set(column.counts or {""}) <= {"true", "false", "True", "False", "TRUE", "FALSE"}:
        return Role("boolean", "boolean", "true or false")
    if column.distinct <= CLOSED and column.counts and min(column.counts.values()) > 1:
        return Role("category", "category", f"{column.distinct} texts, each in several rows")
    if not unique and (column.distinct <= OPEN or words < 2 * _FEW_WORDS):
        return Role("category", "text", f"{column.distinct} texts, more may come")
    return Role("text", "text", f"texts of about {words:.0f} words, {column.distinct} different")


def _named_id(name: str) -> bool:
    return bool(_ID_NAME.match(name) or _CAMEL_ID.match(name))
