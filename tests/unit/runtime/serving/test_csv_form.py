"""CSV: each cell is read by the kind of its column, and a table says the same as its rows in JSON."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.config.settings import ColumnReading, ReadSettings
from aifactory_runtime.registry.model_folder import Column, InputSchema
from aifactory_runtime.serving.request_decoding import Refused, RowReader

SECRET = "Zq9secret"
COLUMNS = (
    Column("age", "integer", minimum=18, maximum=110),
    Column("income", "number", nullable=True),
    Column("member", "boolean", nullable=True),
    Column("note, if any", "text", nullable=True, maximum=50),
    Column("day", "date", nullable=True),
    Column("region", "category", categories=("east", "1")),
)
READER = RowReader(
    InputSchema(
        target="y",
        columns=COLUMNS,
        features=("a",),
        classes=(),
        ignored=("id",),
    ),
    max_rows=3,
)
HEADER = 'age,income,member,"note, if any",day,region'
LINE = '40,1000.5,true,"good, so far",2026-01-31,east'


def _as_a_table_has_it(text: str) -> str | None:
    """Space around a text, and a text of nothing else, are not there in a table."""
    return text.strip() or None


def _read(text: str) -> dict[str, list[Any]]:
    return READER.csv(text.encode()).columns


def test_given_a_table_when_read_then_it_is_what_its_rows_are_in_json() -> None:
    row = {"age": 40, "income": 1000.5, "member": True, "note, if any": "good, so far", "day": "2026-01-31"}
    rows = [{**row, "region": "east"}, {**dict.fromkeys(row), "age": 41, "region": "1"}]

    found = _read(f"{HEADER}\n{LINE}\n41,,,,,1\n")

    assert found == READER.predict(json.dumps({"rows": rows}).encode()).columns


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\r\n{LINE}\r\n",
        f"\ufeff{HEADER}\n{LINE}",
        f"\n{HEADER}\n\n{LINE}\n\n",
        f"id,{HEADER},y\n{SECRET},{LINE},1\n",
        f'{HEADER}\n"40","1000.5",TRUE,"good, so far",2026-01-31,east',
        f'{HEADER}\n40.0,+1.0005e3,True,"good, so far",2026-01-31,east',
    ],
)
def test_given_the_same_table_written_otherwise_when_read_then_the_columns_are_equal(text: str) -> None:
    assert _read(text) == _read(f"{HEADER}\n{LINE}\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a header and 1 to 3 rows"),
        (HEADER, "a header and 1 to 3 rows"),
        (f"{HEADER}\n" + f"{LINE}\n" * 4, "a header and 1 to 3 rows"),
        (f"{HEADER}\n{LINE},{SECRET}", "row 0 has 7 values for 6 columns"),
        (f"{HEADER},age\n{LINE},1", "a column is named twice"),
        (f",{HEADER}\n0,{LINE}", "to_csv(index=False)"),
        (f"{HEADER},{SECRET}\n{LINE},1", "does not know"),
        (f'{HEADER}\n"{LINE}', "not valid CSV"),
        (f"{HEADER},age\u200b\n{LINE},1", "two names look alike"),
        (f"{HEADER}\n{LINE}".replace("age", "age;years"), "does not know"),
        (f"{HEADER}\n{LINE}".replace("40", "40.5"), "'age' must be a whole number"),
        (f"{HEADER}\n{LINE}".replace("40", SECRET), "'age' must be a whole number"),
        (f"{HEADER}\n{LINE}".replace("40", ""), "'age' must be a whole number"),
        (f"{HEADER}\n{LINE}".replace("40", "9" * 10_000), "'age' must be a whole number"),
        (f"{HEADER}\n{LINE}".replace("1000.5", "1e999"), "'income' must be a number"),
        (f"{HEADER}\n{LINE}".replace("1000.5", "inf"), "'income' must be a number"),
        (f"{HEADER}\n{LINE}".replace("1000.5", "1.000,5"), "row 0 has 7 values"),
        (f"{HEADER}\n{LINE}".replace("1000.5", "1 000.5"), "'income' must be a number"),
        (f"{HEADER}\n{LINE}".replace("1000.5", "1_000"), "'income' must be a number"),
        (f"{HEADER}\n{LINE}".replace("true", "perhaps"), "'member' must be true or false"),
        (f"{HEADER}\n{LINE}".replace("2026-01-31", SECRET), "'day' must be a date"),
        (f"{HEADER}\n{LINE}".replace("east", SECRET), "'region' must be one of"),
        (json.dumps({"dataframe_records": []}), "a header and 1 to 3 rows"),
    ],
)
def test_given_a_table_that_does_not_fit_when_read_then_it_is_refused_without_repeating_it(
    text: str, says: str
) -> None:
    with pytest.raises(Refused) as refused:
        _read(text)

    assert says in str(refused.value)
    assert SECRET not in str(refused.value)


def test_given_another_encoding_when_read_then_it_is_refused() -> None:
    with pytest.raises(Refused, match="not a text in UTF-8"):
        READER.csv(f"{HEADER}\n{LINE}".replace("good", "größer").encode("latin-1"))


@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "age": st.integers(18, 110),
                "income": st.none() | st.floats(allow_nan=False, allow_infinity=False),
                "member": st.none() | st.booleans(),
                "note, if any": st.none() | st.text(st.characters(codec="utf-8"), max_size=50).map(_as_a_table_has_it),
                "day": st.none() | st.datetimes().map(str),
                "region": st.sampled_from(["east", "1"]),
            }
        ),
        min_size=1,
        max_size=3,
    )
)
def test_given_any_rows_when_written_as_csv_then_they_are_read_as_in_json(rows: list[dict[str, Any]]) -> None:
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)

    assert _read(written.getvalue()) == READER.predict(json.dumps({"rows": rows}).encode()).columns


@given(text=st.lists(st.sampled_from([*'ag,e"\n\r1é;', HEADER, LINE]), max_size=12).map("".join))
def test_given_any_text_when_read_then_it_is_read_or_refused(text: str) -> None:
    try:
        _read(text)
    except Refused:
        return


RULES = ReadSettings(
    separator=";",
    decimal=",",
    columns={
        "income": ColumnReading(thousands=".", unit="€", missing=("k.A.",)),
        "day": ColumnReading(dates=("%d.%m.%Y",)),
    },
)


@pytest.mark.parametrize(
    ("text", "income", "day"),
    [
        ("age;income;member;day;region\n40;1.000,50 €;yes;31.01.2026;east", 1000.5, datetime(2026, 1, 31)),
        ("age;income;member;day;region\n40;k.A.;;;east", None, None),
        ('age,income,member,day,region\n40,"1.000,50 €",yes,2026-01-31,east', 1000.5, datetime(2026, 1, 31)),
        ("age;income;member;day;region\n40;-3 €;NA;n/a;east", -3.0, None),
    ],
)
def test_given_rules_of_the_table_when_a_request_is_written_as_it_then_it_is_read_by_them(
    text: str, income: float | None, day: datetime | None
) -> None:
    columns = tuple(column for column in COLUMNS if column.name != "note, if any")
    reader = RowReader(InputSchema("y", columns, ("a",), ()), max_rows=3, read=RULES)

    found = reader.csv(text.encode()).columns

    assert (found["age"], found["income"], found["day"]) == ([40], [income], [day])


def test_given_rules_of_the_table_when_a_cell_is_written_otherwise_then_it_is_refused() -> None:
    reader = RowReader(InputSchema("y", (COLUMNS[1],), ("a",), ()), max_rows=3, read=RULES)

    with pytest.raises(Refused, match="'income' must be a number"):
        reader.csv(b"income\n1000.50\n")


@pytest.mark.parametrize(
    ("rule", "cell", "income"),
    [
        (ColumnReading(unit="$"), "$538.50", 538.5),
        (ColumnReading(unit="$", thousands=","), '"($1,538.50)"', -1538.5),
        (ColumnReading(unit="kg"), "72 kg", 72.0),
        (ColumnReading(unit="%"), "12 %", 12.0),
        (ColumnReading(decimal=",", thousands=" ", unit="€"), '"1\u202f234,56 €"', 1234.56),
        (ColumnReading(formula=True), '"=""17"""', 17.0),
    ],
)
def test_given_units_and_marks_of_the_table_when_sent_then_they_are_read_and_others_are_told_how(
    rule: ColumnReading, cell: str, income: float
) -> None:
    read = ReadSettings(columns={"income": rule})
    reader = RowReader(InputSchema("y", (COLUMNS[1],), ("a",), ()), max_rows=3, read=read)

    assert reader.csv(f"income\n{cell}\n".encode()).columns == {"income": [income]}
    if rule.unit:
        with pytest.raises(Refused, match=f"must be a number, or null, written as in the table: with [{rule.unit}]"):
            reader.csv(b"income\n538.50\n")


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_given_another_separator_than_the_tables_when_the_header_tells_it_then_the_rows_are_read(
    separator: str, end: str
) -> None:
    text = f"{HEADER}\n{LINE}\n".replace('"note, if any"', "note").replace('"good, so far"', "good")
    columns = tuple(Column("note", "text") if column.name == "note, if any" else column for column in COLUMNS)
    reader = RowReader(InputSchema("y", columns, ("a",), ()), max_rows=3)

    sent = text.replace(",", separator).replace("\n", end)

    assert reader.csv(sent.encode()).columns == reader.csv(text.encode()).columns


def test_given_the_file_that_was_trained_on_when_sent_then_its_nameless_index_is_taken_and_its_sum_is_refused() -> None:
    columns = (Column("income", "number"), Column("note", "text"))
    reader = RowReader(InputSchema("y", columns, ("a",), (), ignored=("unnamed_1",)), max_rows=9)
    rows = "".join(f"{number},{number}.5,ok\n" for number in range(5))

    assert reader.csv(f", income,note \n{rows}".encode()).columns["income"] == [0.5, 1.5, 2.5, 3.5, 4.5]
    with pytest.raises(Refused, match="the last row holds the word total"):
        reader.csv(f",income,note\n{rows}5,12.5,Total\n".encode())
    assert len(reader.csv(f",income,note\n{rows}5,1,Total\n6,2,Total\n".encode()).columns["note"]) == 7
