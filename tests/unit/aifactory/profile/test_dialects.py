"""A table of known values, written in any dialect, is read back equal or a person is told, never silently otherwise."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from hypothesis import assume, given
from hypothesis import strategies as st
from pyarrow import parquet

from aifactory.profile import Proposal, Table, Wishes, propose, take_in
from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError
from tests.unit.aifactory.profile.served import columns as served_columns

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
    end: str
    packed: bool

    def city(self, name: str) -> str:
        """A name in letters that the encoding has."""
        return name.replace("Köln", "東京") if self.encoding == "shift_jis" else name

    def file(self, text: str) -> bytes:
        """The file: its lines ended, its letters written, packed or not."""
        content = text.replace("\n", self.end).encode(self.encoding)
        return gzip.compress(content) if self.packed else content

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
        (GROUPS[dialect.group] + dialect.minus + dialect.before + dialect.city("Köln")).encode(dialect.encoding)
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
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "shift_jis"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    packed=st.booleans(),
).filter(consistent)
NUMBER = st.one_of(st.floats(-1e6, 1e6), st.floats(-2, 2), st.integers(-3000, 3000).map(float), st.none())


def gaps(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A quarter of them missing."""
    return st.sampled_from([True, True, True, False]).flatmap(lambda there: values if there else st.none())


DAY = gaps(st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31)))
ROW = st.tuples(NUMBER, st.integers(-5000, 5000), DAY, st.sampled_from(["Köln", "a, b; c|d", 'say "x"', "1. FC"]))


@pytest.mark.heavy
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
        "city": [dialect.city(row[3]) for row in rows],
        "state": ["ok" if number % 2 else "fail" for number in range(ROWS)],
    }
    text = as_text(cells, dialect)
    (folder / "t.csv").write_bytes(dialect.file(text))
    try:
        found = take_in("t.csv", folder, dialect.encoding if dialect.encoding == "shift_jis" else None).table
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
    if not dialect.before:
        served = served_columns(text.replace("\n", dialect.end).encode(), found, proposal, ROWS)
        assert all(equal(*pair) for name in served for pair in zip(served[name], read[name], strict=True))


def as_text(cells: dict[str, list[str]], dialect: Dialect) -> str:
    stream = io.StringIO(newline="")
    stream.write(f"sep={dialect.separator}\n" if dialect.before == "sep" else dialect.before)
    writer = csv.writer(stream, delimiter=dialect.separator, lineterminator="\n")
    writer.writerows([list(cells), *zip(*cells.values(), strict=True)])
    return stream.getvalue()


RECORD = st.fixed_dictionaries(
    {
        "kw": gaps(st.floats(-1e6, 1e6)),
        "count": gaps(st.integers(-(2**53), 2**53)),
        "big": st.integers(2**53 + 1, 2**63 - 1),
        "day": DAY,
        "open": gaps(st.booleans()),
        "city": gaps(st.sampled_from(["Köln", "東京", 'say "x"', "007", "a\nb", "\\", "{", "NA"])),
    }
)
STORED = {"kw": pa.float64(), "count": pa.int64(), "big": pa.int64(), "day": pa.timestamp("us"), "open": pa.bool_()}


@pytest.mark.heavy
@given(
    st.lists(RECORD, min_size=ROWS, max_size=ROWS), st.sampled_from(["jsonl", "jsonl.gz", "parquet", "delta", "parts"])
)
def test_given_known_values_when_stored_in_any_format_then_training_reads_them(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], form: str
) -> None:
    assume(all(sum(row[name] is not None for row in rows) > ROWS // 2 for name in rows[0]))
    folder = tmp_path_factory.mktemp("stored")
    for number, row in enumerate(rows):
        row["state"] = "ok" if number % 2 else "fail"
    store(folder, rows, form)

    found = take_in("t.csv", folder, None).table
    kinds = {column.name: column.kind for column in found.columns} | {"open": "boolean"}
    read = trained_on(folder, found, kinds)

    # Beyond 2^53 a model could not tell whole numbers apart: they are texts of all their digits.
    known = {name: [row[name] for row in rows] for name in rows[0]}
    known["big"] = [str(value) for value in known["big"]]
    texts = {name: [None if value is None else str(value).strip() for value in known[name]] for name in ("city", "big")}
    for name, values in (known | texts).items():
        assert all(equal(one, other) for one, other in zip(read[name], values, strict=True)), (name, read[name])


def store(folder: Path, rows: list[dict[str, Any]], form: str) -> None:
    """The rows as a file, or a folder, that is called t.csv whatever it is."""
    place = folder / "t.csv"
    if form.startswith("jsonl"):
        lines = "".join(
            json.dumps({k: str(v) if k == "day" and v else v for k, v in row.items()}) + "\n" for row in rows
        )
        place.write_bytes(gzip.compress(lines.encode()) if form.endswith("gz") else lines.encode())
        return
    table = pa.table({name: pa.array([row[name] for row in rows], STORED.get(name, pa.string())) for name in rows[0]})
    if form == "parquet":
        parquet.write_table(table, place)
    elif form == "delta":
        write_deltalake(str(place), table)
    else:
        place.mkdir()
        for part, start in enumerate((0, ROWS // 2)):
            half = table.slice(start, ROWS // 2).select(table.column_names[:: 1 - 2 * part])
            parquet.write_table(half, place / f"{part}.parquet")


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
