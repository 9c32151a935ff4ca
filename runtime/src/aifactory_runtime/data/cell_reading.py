"""One cell of a text table as a value, by the rules of its column: numbers and dates as people write them.

Plain Python, for whoever reads a few rows; `column_reading` does the same to whole columns, by the patterns made here.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from aifactory_runtime.config.settings import ColumnReading, ReadSettings
from aifactory_runtime.data.kinds import FALSE, MISSING, TRUE, Unfit

SPACES = " \u00a0\u2007\u2009\u202f"
MINUS = "-\u2212"
FORMULA = r'^="(.*)"$'
NEGATIVE = rf"^\(|^[^0-9]*[{MINUS}]|[{MINUS}]$"
"""Of a cell without its unit: brackets around it, or a minus before or behind the digits."""
DIGEST = "sha256:"
_GROUPS = {"": "", " ": f"[{SPACES}]", "'": "['\u2019]", ".": r"\.", ",": ","}
COMPACT = "%Y%m%d"
"""A day as a whole number, without marks."""
_PARTS = {
    COMPACT: "[0-9]{6}(?P<day>[0-9]{2})",
    "%d": "(?P<day>[0-9]{1,2})",
    "%m": "[0-9]{1,2}",
    "%Y": "[0-9]{4}",
    "%y": "[0-9]{2}",
    "%b": "[A-Za-z]{3}",
    "%B": "[A-Za-z]{3,9}",
    "%H": "[0-9]{1,2}",
    "%I": "[0-9]{1,2}",
    "%M": "[0-9]{2}",
    "%S": "[0-9]{2}",
    "%p": "[AaPp][Mm]",
}
_PLAIN_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?(inf|infinity|nan)", re.IGNORECASE)
_PLAIN_INTEGER = re.compile(r"-?[0-9]+")
_CLOCK = r"[0-9]{2}(:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?"
_ISO = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([ T]{_CLOCK}(Z| UTC|[+-][0-9]{{2}}(:?[0-9]{{2}})?)?)?")
"""` UTC` is how BigQuery writes it."""
_MOST, _LEAST = 2**63 - 1, -(2**63)

Value = bool | int | float | str | datetime | None


def value(cell: str, kind: str, read: ReadSettings, column: str) -> Value:
    """What stands in a cell of a column that is declared to be of a kind; see `kinds.arrow_type`; dates are in UTC.

    Unfit when it is no such value.
    """
    rule = read.columns.get(column)
    text = plain(cell, rule)
    if kind in {"text", "category"}:
        return text or None
    if is_missing(text, rule):
        return None
    if kind == "boolean":
        if text not in TRUE and text not in FALSE:
            raise Unfit("holds values that are no truth values")
        return text in TRUE
    if kind == "date":
        return date(text, rule.dates if rule and rule.dates else read.dates)
    return number(text, kind, rule, read.decimal)


def plain(cell: str, rule: ColumnReading | None) -> str:
    """The cell without space around it, and without the formula that keeps its digits."""
    text = cell.strip()
    found = re.fullmatch(FORMULA, text, re.DOTALL) if rule and rule.formula else None
    return found[1].strip() if found else text


def is_missing(text: str, rule: ColumnReading | None) -> bool:
    """Whether a trimmed cell that is to be no text stands for a missing value."""
    return text in MISSING or (rule is not None and is_named(text, rule.missing))


def is_named(text: str, words: Sequence[str]) -> bool:
    """Whether a cell is among `words`, as written or by its digest."""
    return text in words or (any(word.startswith(DIGEST) for word in words) and digest(text) in words)


def digest(text: str) -> str:
    """How a cell is written down that nobody may read: `sha256:` and 16 hexadecimal digits."""
    return DIGEST + hashlib.sha256(text.encode()).hexdigest()[:16]


def number(text: str, kind: str, rule: ColumnReading | None, decimal: str) -> int | float:
    """A number or, of the kind `integer`, a whole number; Unfit when the text is none by the rule."""
    unfit = Unfit(f"holds values that are no {'whole numbers' if kind == 'integer' else 'numbers'}")
    if rule is None:
        if decimal != "." and "." in text:
            raise unfit
        shown = text.replace(decimal, ".")
        if not (_PLAIN_INTEGER if kind == "integer" else _PLAIN_NUMBER).fullmatch(shown):
            raise unfit
    else:
        if not re.fullmatch(pattern(rule, decimal, whole=kind == "integer"), text):
            raise unfit
        shown = _magnitude(text, rule, decimal)
    if kind != "integer":
        return float(shown)
    if not _LEAST <= int(shown) <= _MOST:
        raise unfit
    return int(shown)


@functools.lru_cache(maxsize=4_096)
def pattern(rule: ColumnReading, decimal: str, *, whole: bool) -> str:
    """Regular expression, the same for Python and for Arrow, of a cell that is a number by the rule."""
    mark, group = re.escape(rule.decimal or decimal), _GROUPS[rule.thousands]
    digits = f"(?:[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+|[0-9]+)" if group else "[0-9]+"
    exponent = "" if rule.unit else f"(?:[eE][{MINUS}+]?[0-9]+)?"
    bare = digits if whole else f"(?:{digits}(?:{mark}[0-9]*)?|{mark}[0-9]+){exponent}"
    gap, unit = f"[{SPACES}]*", re.escape(rule.unit)
    body = f"(?:{unit}{gap}{bare}|{bare}{gap}{unit})" if unit else bare
    forms = [f"[{MINUS}+]?{gap}{body}", rf"{body}{gap}[{MINUS}]", rf"\({gap}{body}{gap}\)"]
    if unit:
        forms.append(f"{unit}{gap}[{MINUS}]{gap}{bare}")
        bracketed = rf"\({gap}{bare}{gap}\)"
        forms.append(f"(?:{unit}{gap}{bracketed}|{bracketed}{gap}{unit})")
    return f"^(?:{'|'.join(forms)})$"


def steps(rule: ColumnReading, decimal: str) -> list[tuple[str, str]]:
    """What is replaced in a cell that fits `pattern` and has lost its unit, until its magnitude is left."""
    mark = re.escape(rule.decimal or decimal)
    made = [(_GROUPS[rule.thousands], "")] if rule.thousands else []
    return [*made, (f"^[^0-9{mark}]+|[^0-9{mark}]+$", ""), (mark, "."), ("\u2212", "-")]


def date(text: str, formats: Sequence[str]) -> datetime:
    """A date by the first format that fits, or by ISO 8601, in UTC without a zone; Unfit when there is no such day."""
    for form in formats:
        if re.fullmatch(date_pattern(form), text):
            try:
                return datetime.strptime(text, form)
            except ValueError:
                continue
    if _ISO.fullmatch(text):
        try:
            found = datetime.fromisoformat(text.replace(" UTC", "Z"))
        except ValueError:
            pass
        else:
            return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)
    raise Unfit("holds values that are no dates")


@functools.lru_cache(maxsize=256)
def date_pattern(form: str) -> str:
    """Regular expression of texts that may be dates of a format: strptime alone takes 3.2.20255 or the 31st of June."""
    parts = re.split(f"({COMPACT}|%[A-Za-z])", form)
    return "^" + "".join(_PARTS.get(part) or re.escape(part) for part in parts) + "$"


def cell(value: object, rule: ColumnReading | None, decimal: str) -> str:
    """A value as it is written where `value` reads it again, by the rule of its column."""
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, int | float):
        return str(value)
    mark = decimal if rule is None or rule.decimal is None else rule.decimal
    if rule is None or not rule.unit:
        return repr(value).replace(".", mark)
    return f"{format(Decimal(repr(value)), 'f').replace('.', mark)} {rule.unit}"


def _magnitude(text: str, rule: ColumnReading, decimal: str) -> str:
    """A cell that fits its pattern as Python reads numbers."""
    shown = text.replace(rule.unit, "").strip(SPACES) if rule.unit else text
    sign = "-" if re.search(NEGATIVE, shown) else ""
    for found, instead in steps(rule, decimal):
        shown = re.sub(found, instead, shown)
    return sign + shown
