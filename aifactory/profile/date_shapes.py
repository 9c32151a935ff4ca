"""Dates as people write them, by the shapes of cells: which formats they have, and whether day or month is first."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_TIME = r"(?:(?P<gap>[T ]|, )(?P<clock>9{1,2}:99)(?P<seconds>:99)?(?P<half> ?[AaPp][Mm])?)?"
_NUMBERS = re.compile(rf"9{{1,2}}(?P<sign>[./-])9{{1,2}}(?P=sign)(?P<year>9999|99){_TIME}")
_YEAR_FIRST = re.compile(rf"9999(?P<sign>[./-])9{{1,2}}(?P=sign)9{{1,2}}{_TIME}")
_DAY_NAME = re.compile(
    rf"9{{1,2}}(?P<one>[-. /]{{1,2}})(?P<month>[^\W\d_]{{3,9}})(?P<two>[-. /,]{{1,2}})(?P<year>9999|99){_TIME}"
)
_NAME_DAY = re.compile(
    rf"(?P<month>[^\W\d_]{{3,9}})(?P<one>[-. ]{{1,2}})9{{1,2}}(?P<two>[-. ,]{{1,2}})(?P<year>9999|99){_TIME}"
)
_ISO = re.compile(r"9{4}-99-99(?:[T ]99(?::99(?::99(?:\.9{1,6})?)?)?(?:Z| UTC|[+-]99(?::?99)?)?)?")
_FULL = [name.lower() for name in calendar.month_name[1:]]
_SHORT = [name[:3] for name in _FULL]
_FIRST_DAY, _LAST_DAY = 19_000_101, 20_991_231


@dataclass(frozen=True)
class Form:
    """A way to write dates: its format; where day and month are both numbers in front, also with the month first."""

    day_first: str
    month_first: str | None = None
    year_first: str | None = None
    """Of a year with two digits, which may stand in front as well."""


@dataclass(frozen=True)
class DateShapes:
    """The shapes of a column that are dates, each with its form (None: ISO 8601), and those with other month names."""

    forms: Mapping[str, Form | None]
    foreign: frozenset[str]


def find(shapes: Mapping[str, tuple[int, int]]) -> DateShapes:
    """Which of the shapes are dates."""
    forms: dict[str, Form | None] = {}
    foreign = set()
    for shape in shapes:
        plain = shape.replace("0", "9")
        if _ISO.fullmatch(plain):
            forms[shape] = None
        elif found := _NUMBERS.fullmatch(plain):
            forms[shape] = _of_numbers(found)
        elif found := _YEAR_FIRST.fullmatch(plain):
            forms[shape] = Form(found["sign"].join(("%Y", "%m", "%d")) + _time(found))
        elif found := _DAY_NAME.fullmatch(plain) or _NAME_DAY.fullmatch(plain):
            if month := _month(found["month"]):
                forms[shape] = Form(_of_names(found, month, day_first=plain[0] == "9"))
            else:
                foreign.add(shape)
    return DateShapes(forms, frozenset(foreign))


def compact_days(numbers: Any) -> int:
    """How many of some numbers are days of the years 1900 to 2099 written as 20240131."""
    whole = numbers[(numbers >= _FIRST_DAY) & (numbers <= _LAST_DAY)].astype(np.int64)
    months, days = whole // 100 % 100, whole % 100
    real = (months >= 1) & (months <= len(_FULL)) & (days >= 1)
    kept = whole[real]
    longest = np.array([calendar.monthrange(2024, month)[1] for month in range(1, len(_FULL) + 1)])[months[real] - 1]
    leap = np.array([calendar.isleap(year) for year in range(_FIRST_DAY // 10_000, _LAST_DAY // 10_000 + 1)])
    short = (kept // 100 % 100 == 2) & ~leap[kept // 10_000 - _FIRST_DAY // 10_000]  # noqa: PLR2004 - February
    return int((days[real] <= longest - short).sum())


def _of_numbers(found: re.Match[str]) -> Form:
    year, time = "%Y" if len(found["year"]) > len("99") else "%y", _time(found)
    orders = [("%d", "%m", year), ("%m", "%d", year), *([("%y", "%m", "%d")] if year == "%y" else [])]
    return Form(*(found["sign"].join(order) + time for order in orders))


def _of_names(found: re.Match[str], month: str, *, day_first: bool) -> str:
    year = "%Y" if len(found["year"]) > len("99") else "%y"
    first, second = ("%d", month) if day_first else (month, "%d")
    return f"{first}{found['one']}{second}{found['two']}{year}{_time(found)}"


def _month(name: str) -> str | None:
    if name.lower() in _FULL and len(name) > len("may"):
        return "%B"
    return "%b" if name.lower() in _SHORT else None


def _time(found: re.Match[str]) -> str:
    if found["clock"] is None:
        return ""
    seconds = ":%S" if found["seconds"] else ""
    if not found["half"]:
        return f"{found['gap']}%H:%M{seconds}"
    return f"{found['gap']}%I:%M{seconds}{found['half'][:-2]}%p"
