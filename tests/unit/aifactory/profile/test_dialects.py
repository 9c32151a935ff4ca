"""A table of known values, written in any dialect, is read back equal or a person is told, never silently otherwise."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aifactory.profile import Proposal, Table, Wishes, propose, take_in
from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError

ROWS = 40
GROUPS = {"": "", ",": ",", ".": ".", "'": "'", " ": " ", "nbsp": "\u00a0", "narrow": "\u202f"}
FORMS = (
    "%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y",
    "%Y/%m/%d", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p",
)  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """How a table is written; each part alone is something that people do."""

    separator: str
    decimal: str
    group: str
    places: int
    sign: str
    minus: str
    form: str
    nothing: str
    odd: str | None
    before: str
    encoding: str

    def number(self, value: float, places: int) -> str:
        """A number as this dialect has it."""
        whole, _, rest = f"{abs(value):,.{places}f}".partition(".")
        text = whole.replace(",", GROUPS[self.group]) + (self.decimal + rest if rest else "")
        text = {"": text, "$": f"${text}", "kg": f"{text} kg", "%": f"{text}%"}[self.sign]
        if value >= 0:
            return text
        return f"({text})" if self.minus == "()" else self.minus + text


def consistent(dialect: Dialect) -> bool:
    """Whether marks differ from each other and letters can be written in the encoding."""
    try:
        (GROUPS[dialect.group] + dialect.minus + dialect.before).encode(dialect.encoding)
    except UnicodeEncodeError:
        return False
    return dialect.group != dialect.decimal


DIALECTS = st.builds(
    Dialect,
    separator=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    group=st.sampled_from(list(GROUPS)),
    places=st.sampled_from([0, 1, 2, 3, 5]),
    sign=st.sampled_from(["", "", "$", "kg", "%"]),
    minus=st.sampled_from(["-", "\u2212", "()"]),
    form=st.sampled_from(FORMS),
    nothing=st.sampled_from(["", "NA", "-"]),
    odd=st.sampled_from([None, "#DIV/0!", "\\N", "broken"]),
    before=st.sampled_from(["", "\n", "Pumps\n", "Pumps\n\n", "sep"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
).filter(consistent)
NUMBER = st.one_of(st.floats(-1e6, 1e6), st.floats(-2, 2), st.integers(-3000, 3000).map(float), st.none())
DAY = st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31))
ROW = st.tuples(NUMBER, st.integers(-5000, 5000), DAY, st.sampled_from(["Köln", "a, b; c|d", 'say "x"', "1. FC"]))


@given(st.lists(ROW, min_size=ROWS, max_size=ROWS), DIALECTS, st.integers(0, ROWS - 1))
def test_given_known_values_when_written_in_any_dialect_then_training_reads_them_or_a_person_is_told(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], dialect: Dialect, place: int
) -> None:
    assume(all(sum(row[part] is not None for row in rows) > ROWS // 2 for part in (0, 2)))
    folder = tmp_path_factory.mktemp("dialect")
    numbers = [dialect.nothing if row[0] is None else dialect.number(row[0], dialect.places) for row in rows]
    days = [dialect.nothing if row[2] is None else row[2].strftime(dialect.form) for row in rows]
    if dialect.odd:
        numbers[place] = days[place] = dialect.odd
    cells = {
        "kw": numbers,
        "count": [dialect.number(row[1], 0) for row in rows],
        "day": days,
        "city": [row[3] for row in rows],
        "state": ["ok" if number % 2 else "fail" for number in range(ROWS)],
    }
    (folder / "t.csv").write_bytes(as_text(cells, dialect).encode(dialect.encoding))
    try:
        found = take_in("t.csv", folder, None).table
        proposal = propose(found, "t.csv", "state", Wishes())
    except FactoryError:
        return  # told
    kinds = {column.name: column.kind for column in proposal.columns} | {"state": "text"}
    read = trained_on(folder, found, kinds)
    assert read["city"] == cells["city"]
    odd = {place} if dialect.odd else set()
    check(
        read["kw"],
        [None if row[0] is None else round(row[0], dialect.places) for row in rows],
        odd,
        said(proposal, "kw"),
    )
    check(read["count"], [row[1] for row in rows], set(), said(proposal, "count"))
    check(read["day"], [row[2] and parsed(row[2], dialect.form) for row in rows], odd, said(proposal, "day"))


def as_text(cells: dict[str, list[str]], dialect: Dialect) -> str:
    stream = io.StringIO(newline="")
    stream.write(f"sep={dialect.separator}\n" if dialect.before == "sep" else dialect.before)
    writer = csv.writer(stream, delimiter=dialect.separator, lineterminator="\n")
    writer.writerows([list(cells), *zip(*cells.values(), strict=True)])
    return stream.getvalue()


def parsed(day: datetime, form: str) -> datetime:
    """What is left of a moment in a form."""
    return datetime.strptime(day.strftime(form), form)


def trained_on(folder: Path, table: Table, kinds: dict[str, str]) -> dict[str, list[Any]]:
    batches = source.batches(source.locate(folder, "t.csv"), table.read, kinds)
    read: dict[str, list[Any]] = pa.Table.from_batches(batches).to_pydict()
    return read


def said(proposal: Proposal, column: str) -> str:
    return "; ".join(note for note in proposal.notes if note.startswith(f"{column}: "))


def check(read: list[Any], known: list[Any], odd: set[int], told: str) -> None:
    """The values are those that were written, those in `odd` missing and that is said; else the column holds texts.

    Both ways of reading a number or a date may be possible: which one was taken is said then.
    """
    wanted = [None if place in odd else value for place, value in enumerate(known)]
    assert told or not odd
    if all(equal(one, other) for one, other in zip(read, wanted, strict=True)):
        return
    texts = all(value is None or isinstance(value, str) for value in read)
    either = "if these are thousands" in told or "no cell tells" in told
    assert told and (texts or either), (told, read, wanted)


def equal(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)
