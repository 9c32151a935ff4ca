"""By which rule the cells of a text column become values, judged by their shapes; or why they stay texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from aifactory.profile import date_shapes, unread_shapes
from aifactory.profile.cell_shapes import CellShapes
from aifactory_runtime.config.settings import ColumnReading, DecimalMark, ThousandsMark
from aifactory_runtime.data.cell_reading import COMPACT, MINUS, SPACES

Counted = Mapping[str, tuple[int, int]]
DECIMALS = (
    "read as decimals, as every mark has three digits behind it; if these are thousands, change data.read.columns"
)
BEYOND = (
    "whole numbers beyond 2^53, which a model cannot tell apart: codes, kept as texts; write amounts with decimals, "
    "times as dates"
)
FEW = 0.05
"""Share of odd cells in a column that is read all the same; they are missing then, and that is said."""
MOST_WORDS = 10
KNOWN = frozenset((
    "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#NV", "\\N", "n.a.", "N.A.", "na", "n.v.", "k.A.",
    "nil", "missing", "(null)", "(empty)", "(blank)",
))  # fmt: skip
"""What programs and people write for nothing, beside what always stands for it: any number of such cells is no sign."""
ENOUGH = 10
_GROUPS: tuple[ThousandsMark, ...] = ("", ",", ".", "'", " ")
_HALF = 0.5
_WORTH_SAYING = 0.1
_MARKS: tuple[DecimalMark, ...] = (".", ",")
_CELL = re.compile(
    rf"(?P<before>[^09]*?)(?P<core>[.,]?[09](?:[09.,'\u2019{SPACES}]*[09])?[.,]?)(?P<power>[eE][{MINUS}+]?[09]+)?"
    r"(?P<after>[^09]*)"
)
_CURRENCY = re.compile(r"[$€£¥\uffe5\uff04₹₽₩₺₴₪₫฿]|[A-Z]{1,2}\$|Rs\.?|Fr\.?|kr\.?|zł|Kč|Ft|R\$|[A-Z]{3}")
_UNIT = re.compile(r"[^\W\d_]{1,4}([²³]|/[^\W\d_]{1,4}[²³]?)?|[%‰°]|°[CF]|km/h")
_FORMULA = re.compile(r'="(.*)"', re.DOTALL)
_WORD = re.compile(r"[^\d(){}\[\]=;,\"]{1,12}")


@dataclass(frozen=True)
class Rule:
    """How a column is read: the kind of its values, by which rule (None: plainly), and what a person is told."""

    kind: str
    reading: ColumnReading | None = None
    said: str | None = None
    proves: str | None = None
    """The decimal mark that its numbers leave no doubt about."""
    final: bool = False
    """Whether it was judged by all values already, not by their shapes alone."""

    def same(self, other: Rule | None) -> bool:
        """Whether the same values come of both, but for cells that are named as missing."""
        return other is not None and (self.kind, self.reading) == (other.kind, other.reading)


@dataclass(frozen=True)
class _Number:
    """A shape that is a number: what is before or behind it, its digits with their marks, and whether it is a code."""

    unit: str
    core: str
    count: int
    row: int
    power: bool
    code: bool
    plain: bool
    """Without brackets and other signs of minus."""


@dataclass(frozen=True)
class Around:
    """What the table says: its decimal mark, and the one that numbers of other columns leave no doubt about."""

    decimal: DecimalMark
    proven: str | None = None
    by_rule: bool = True
    """Whether columns may be read by rules: those of text files. Elsewhere numbers in texts stay texts."""


COMPACT_DAYS = Rule(
    "date",
    ColumnReading(dates=(COMPACT,)),
    f"whole numbers that are days, as in 20240131: read as {COMPACT}",
    final=True,
)


def find(shapes: CellShapes, around: Around) -> Rule:
    """The rule for a column with these cells; a text with a sentence when they are numbers or dates only in part."""
    found = _find(shapes, around)
    if around.by_rule or found.kind == "text":
        return found if around.by_rule else replace(found, reading=None)
    kind = "date" if found.kind == "date" else "number"
    counted = {shape: seen for shape, seen in shapes.found.items() if shape not in KNOWN}
    ours = date_shapes.find(counted).forms if kind == "date" else [shape for shape in counted if _number(shape, 0, 0)]
    stored = f"{kind}s that are stored as texts" if len(ours) == len(counted) else odd_said(kind, counted, ours)
    return Rule("text", None, f"{stored}: kept as texts; store {kind}s")


def _find(shapes: CellShapes, around: Around) -> Rule:
    counted: Counted = {shape: seen for shape, seen in shapes.found.items() if shape not in KNOWN}
    formula = any(_FORMULA.fullmatch(shape) for shape in counted)
    if formula:
        counted = _unwrapped(counted)
    text = Rule("text", ColumnReading(formula=True), '="17" is read as 17') if formula else Rule("text")
    total = sum(count for count, _ in counted.values())
    if not total or (shapes.full and total < _HALF * shapes.present):
        return text
    numbers = {shape: number for shape in counted if (number := _number(shape, *counted[shape]))}
    dates = date_shapes.find(counted)
    numbers = _of_few_units(numbers, total)
    amount = sum(number.count for number in numbers.values())
    days = sum(counted[shape][0] for shape in (*dates.forms, *dates.foreign))
    if max(amount, days) < _WORTH_SAYING * total:
        return _neither(counted, total, text)
    if days > amount:
        return _dates(dates, shapes, counted, text)
    if not few(total - amount, total):
        return replace(text, said=odd_said("number", counted, numbers) + ": kept as texts")
    return _numbers(list(numbers.values()), total, around, text)


def _neither(counted: Counted, total: int, text: Rule) -> Rule:
    """A text; when most cells look like dates or numbers all the same, that is said."""
    for pattern, said in unread_shapes.KINDS:
        count = sum(seen[0] for shape, seen in counted.items() if pattern.fullmatch(shape))
        if count > _HALF * total:
            return replace(text, said=f"{count} of {total} cells look like {said}; kept as texts")
    return text


def odd_said(kind: str, counted: Counted, ours: Collection[str]) -> str:
    """How many cells are values of a kind, as the shapes `ours` are, how many are not, and where the first is."""
    total = sum(count for count, _ in counted.values())
    odd = total - sum(counted[shape][0] for shape in ours)
    first = min(row for shape, (_, row) in counted.items() if shape not in ours)
    return (
        f"{total - odd} of {total} cells are {kind}s, {odd} {'is' if odd == 1 else 'are'} not, the first in row {first}"
    )


def few(odd: int, total: int) -> bool:
    """Whether so many odd cells among all leave a column what it is."""
    return odd == 0 or (total >= ENOUGH and odd <= max(1, FEW * total))


def _of_few_units(numbers: dict[str, _Number], total: int) -> dict[str, _Number]:
    """Without numbers before words that are no known unit, unless most cells have that word: those are addresses."""
    counts = Counter[str]()
    for number in numbers.values():
        counts[number.unit] += number.count
    return {
        shape: number
        for shape, number in numbers.items()
        if not number.unit or _is_unit("", number.unit, number.unit) or counts[number.unit] > _HALF * total
    }


def _unwrapped(counted: Counted) -> Counted:
    made: dict[str, tuple[int, int]] = {}
    for shape, (count, row) in counted.items():
        found = _FORMULA.fullmatch(shape)
        inner = found[1].strip() if found else shape
        before, first = made.get(inner, (0, row))
        made[inner] = (before + count, min(first, row))
    return made


def _number(shape: str, count: int, row: int) -> _Number | None:
    """The number that a shape is, if it is one."""
    found = _CELL.fullmatch(shape)
    if found is None:
        return None
    before, core, after = found["before"], found["core"], found["after"]
    signs = f"+{MINUS}("
    if core[0] in _MARKS and before.strip(signs + SPACES):
        before, core = before + core[0], core[1:]
    if core[-1] in _MARKS and after.strip(SPACES + MINUS + ")"):
        core, after = core[:-1], core[-1] + after
    if ("(" in before) != (")" in after) or sum(before.count(sign) for sign in signs) > 1:
        return None
    ahead, behind = before.strip(signs + SPACES), after.strip(f"{MINUS}){SPACES}")
    unit, power = ahead or behind, found["power"] is not None
    if (ahead and behind) or (unit and (power or not _is_unit(ahead, behind, after))):
        return None
    if not any(_fits(core, decimal, group) for decimal in _MARKS for group in _GROUPS if group != decimal):
        return None
    bare = not unit and (before not in {"", "-", "+"} or after != "")
    plain = not bare and not set("(\u2212") & set(shape) and "-" not in after.replace(unit, "")
    return _Number(unit, core, count, row, power, bool(re.match("0[09]", core)), plain)


def _is_unit(ahead: str, behind: str, after: str) -> bool:
    """Whether what stands before or behind digits is a sign or a unit; A12 and 12B are names, `12 pieces` is not."""
    if ahead:
        return ahead == "%" or bool(_CURRENCY.fullmatch(ahead))
    known = _CURRENCY.fullmatch(behind) or _UNIT.fullmatch(behind)
    return bool(known or (after[0] in SPACES and _WORD.fullmatch(behind)))


def _numbers(numbers: list[_Number], total: int, around: Around, text: Rule) -> Rule:
    """The rule of a column nearly all of whose cells are numbers; else a text, and what its cells are is said."""
    counts = Counter[str]()
    for number in numbers:
        counts[number.unit] += number.count
    unit, often = counts.most_common(1)[0]
    codes = [number for number in numbers if number.code]
    if codes:
        zeros = sum(number.count for number in codes)
        first = min(number.row for number in codes)
        return replace(text, said=f"numbers that begin with 0 in {zeros} of {total} cells, the first in row {first}: "
                       "codes, kept as texts")  # fmt: skip
    if not few(total - often, total):
        first = min(number.row for number in numbers if number.unit != unit)
        shown = ", ".join(f"{name or 'none'} {count}" for name, count in counts.most_common(4))
        return replace(text, said=f"numbers with different units or signs ({shown}; the first other one in row "
                       f"{first}): kept as texts; bring them to one unit")  # fmt: skip
    ours = [number for number in numbers if number.unit == unit]
    return _marked(ours, unit, total, around, text)


def _marked(numbers: list[_Number], unit: str, total: int, around: Around, text: Rule) -> Rule:
    """Which mark stands before decimals and which between thousands, in numbers of one unit."""
    marks = sorted(_MARKS, key=lambda mark: mark != around.decimal)
    pairs = [(mark, group) for mark in marks for group in _GROUPS if group != mark]
    fits = {pair: sum(number.count for number in numbers if _fits(number.core, *pair)) for pair in pairs}
    decimal, group = max(pairs, key=lambda pair: fits[pair])  # of equals the first, so the plainest
    strange = [number for number in numbers if not _fits(number.core, decimal, group)]
    if not few(total - fits[decimal, group], total):
        first = min(number.row for number in strange)
        count = sum(number.count for number in strange)
        return replace(text, said=f"numbers whose marks of decimals and of thousands do not go together, {count} of "
                       f"{total}, the first in row {first}: kept as texts")  # fmt: skip
    mark = _only_mark(numbers)
    ambiguous = "" if mark is None else _three_digits(numbers, mark, around)
    if ambiguous == "text":
        return replace(text, said=f"every {mark} has three digits behind it, so thousands and decimals cannot be told "
                       "apart; kept as texts: write numbers without thousands marks")  # fmt: skip
    if mark is not None and ambiguous:
        other: DecimalMark = "," if mark == "." else "."
        decimal, group = (other, mark) if ambiguous == "thousands" else (mark, "")
    formula = bool(text.reading and text.reading.formula)
    reading = ColumnReading(decimal=decimal, thousands=group, unit=unit, formula=formula)
    return _rule(numbers, reading, around, ambiguous)


def _rule(numbers: list[_Number], reading: ColumnReading, around: Around, ambiguous: str) -> Rule:
    """The rule of numbers that are read so, and the sentence about it; without a reading for numbers that are plain."""
    decimal, group = reading.decimal or around.decimal, reading.thousands
    ours = [number for number in numbers if _fits(number.core, decimal, group)]
    whole = not any(decimal in number.core or number.power for number in ours)
    digits = max(sum(letter in "09" for letter in number.core) for number in ours)
    kind = "integer" if whole and digits <= 18 else "number"  # noqa: PLR2004 - digits of 64 bits
    notes = [DECIMALS] if ambiguous == "decimals" else []
    decimals = any(decimal in number.core for number in ours)
    special = reading.unit or group or reading.formula or (decimals and decimal != around.decimal)
    proves = decimal if decimals and not ambiguous else None
    plain = all(number.plain for number in ours)
    if whole and kind == "number" and not special:
        return Rule("text", None, BEYOND)
    if not special and plain:
        return Rule(kind, None, "; ".join(notes) or None, proves)
    notes.insert(0, _sentence(reading, decimals=decimals, plain=plain))
    return Rule(kind, reading, "; ".join(notes), proves)


def _sentence(reading: ColumnReading, *, decimals: bool, plain: bool) -> str:
    names = {".": "a point", ",": "a comma", "'": "an apostrophe", " ": "a space"}
    parts = []
    if reading.unit:
        parts.append(f"{reading.unit} left out" + (", 12 % is 12" if reading.unit in {"%", "\u2030"} else ""))
    if reading.thousands:
        parts.append(f"{names[reading.thousands]} between thousands")
    if decimals and reading.decimal:
        parts.append(f"{names[reading.decimal]} before decimals")
    if reading.formula:
        parts.append('="17" is 17')
    if not plain:
        parts.append("brackets and other signs of minus are a minus")
    return f"read as numbers ({'; '.join(parts)})"


def _fits(core: str, decimal: str, group: str) -> bool:
    point = re.escape(decimal)
    if not group:
        return bool(re.fullmatch(rf"[09]+({point}[09]*)?|{point}[09]+", core))
    between = {"'": "['\u2019]", " ": f"[{SPACES}]"}.get(group, re.escape(group))
    return bool(re.fullmatch(rf"(9[09]{{0,2}}(?:{between}[09]{{3}})+|[09]+)({point}[09]*)?|{point}[09]+", core))


def _only_mark(numbers: Iterable[_Number]) -> DecimalMark | None:
    """The point or the comma that every marked number has once, with three digits behind and one to three before."""
    marks = {mark for number in numbers for mark in number.core if mark not in "09"}
    mark = next((mark for mark in _MARKS if marks == {mark}), None)
    if mark is None:
        return None
    alike = all(re.fullmatch(rf"9[09]{{0,2}}{re.escape(mark)}[09]{{3}}", n.core) for n in numbers if mark in n.core)
    return mark if alike and not any(number.power for number in numbers) else None


def _three_digits(numbers: list[_Number], mark: str, around: Around) -> str:
    """What a mark with three digits behind it everywhere stands for: `thousands`, `decimals`, or nobody knows: `text`.

    Decimals of all lengths are written by programs that write 950 as 950.0. So numbers under a thousand without the
    mark, beside others with it, tell thousands; longer ones without it tell decimals.
    """
    bare = [number for number in numbers if mark not in number.core]
    if any(len(number.core) > 3 for number in bare):  # noqa: PLR2004 - digits of a thousand
        return "decimals" if mark == around.decimal else "text"
    if bare:
        return "text" if around.proven == mark else "thousands"
    if around.proven:
        return "proven decimals" if mark == around.proven else "thousands"
    return "decimals" if mark == around.decimal else "text"


def _dates(dates: date_shapes.DateShapes, shapes: CellShapes, counted: Counted, text: Rule) -> Rule:
    """The rule of a column of dates; else a text, and what stands in the way is said."""
    total = sum(count for count, _ in counted.values())
    forms = [form for form in dates.forms.values() if form is not None]
    if not few(total - sum(counted[shape][0] for shape in dates.forms), total):
        if dates.foreign:
            return replace(
                text, said="dates with names of months that are not English, kept as texts: write 2025-02-03"
            )
        return replace(text, said=odd_said("date", counted, dates.forms) + ": kept as texts")
    either = sum(counted[shape][0] for shape, form in dates.forms.items() if form and form.month_first)
    short = sum(counted[shape][0] for shape, form in dates.forms.items() if form and form.year_first)
    days, months = shapes.day_first, shapes.month_first
    if days and months and not few(min(days, months), either):
        return replace(text, said=f"dates, the day first in {days} and the month first in {months}: kept as texts; "
                       "write 2025-02-03")  # fmt: skip
    if ENOUGH <= short == either == days:
        made = [form.year_first or form.day_first for form in forms]
        order = "year first"
    else:
        slashes = any("/" in form.day_first for form in forms)
        month_first = months > days or (months == days and slashes)
        made = [form.month_first or form.day_first if month_first else form.day_first for form in forms]
        order = "month first" if month_first else "day first"
    formats = tuple(sorted(set(made), key=lambda form: (-len(form), form)))
    said = f"dates, read as {', '.join(formats)}" if formats else None
    if either:
        said = f"{said}, the {order}"
        said += "" if days or months else " (no cell tells; if that is wrong, change data.read.columns)"
    if "%y" in " ".join(formats):
        said = f"{said}; years 69 to 99 are 1969 to 1999"
    formula = bool(text.reading and text.reading.formula)
    reading = ColumnReading(dates=formats, formula=formula) if formats or formula else None
    return Rule("date", reading, said)
