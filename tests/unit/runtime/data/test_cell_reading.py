"""Numbers and dates as people write them: one cell in plain Python, and whole columns by Arrow, come out equal."""

from __future__ import annotations

import io
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.config.settings import ColumnReading, ReadSettings
from aifactory_runtime.data import cell_reading, column_reading, csv_text, kinds, source
from aifactory_runtime.errors import FactoryError

DOLLARS = ColumnReading(decimal=".", thousands=",", unit="$", missing=("#DIV/0!", cell_reading.digest("secret")))
EURO = ColumnReading(decimal=",", thousands=".")


@pytest.mark.parametrize(
    ("cell", "rule", "expected"),
    [
        ("$12.50", DOLLARS, 12.5),
        ("12.50 $", DOLLARS, 12.5),
        ("-$1,234.50", DOLLARS, -1234.5),
        ("$-3", DOLLARS, -3.0),
        ("($12.50)", DOLLARS, -12.5),
        ("\u2212$12.50", DOLLARS, -12.5),
        ("#DIV/0!", DOLLARS, None),
        ("secret", DOLLARS, None),
        ("NA", DOLLARS, None),
        ("1.234,5", EURO, 1234.5),
        ("1.188", EURO, 1188.0),
        ("1,2E+02", EURO, 120.0),
        ("1,2E\u221202", EURO, 0.012),
        ("12,50-", EURO, -12.5),
        ("1'234.5", ColumnReading(thousands="'"), 1234.5),
        ("1\u202f234,5", ColumnReading(decimal=",", thousands=" "), 1234.5),
        ("1\u00a0234,5", ColumnReading(decimal=",", thousands=" "), 1234.5),
        ('="17"', ColumnReading(formula=True), 17.0),
        ("12 %", ColumnReading(unit="%"), 12.0),
        ("72 kg", ColumnReading(unit="kg"), 72.0),
    ],
)
def test_given_a_number_as_people_write_it_when_read_by_its_rule_then_it_is_that_number(
    cell: str, rule: ColumnReading, expected: float | None
) -> None:
    assert cell_reading.value(cell, "number", ReadSettings(columns={"a": rule}), "a") == expected
    assert column_reading.typed(pa.array([cell]), "number", rule, ".").values.to_pylist() == [expected]


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("12.50", DOLLARS),  # no unit
        ("12.50 kg", DOLLARS),
        ("#REF!", DOLLARS),
        ("0.123", EURO),
        ("12.34", EURO),
        ("1.2345", EURO),
        ("1,2,3", EURO),
        ("(1", EURO),
        ("--1", EURO),
        ("1 2", EURO),
    ],
)
def test_given_a_cell_that_its_rule_does_not_know_when_read_then_it_is_odd_and_no_number(
    cell: str, rule: ColumnReading
) -> None:
    with pytest.raises(kinds.Unfit):
        cell_reading.value(cell, "number", ReadSettings(columns={"a": rule}), "a")
    assert column_reading.typed(pa.array([cell]), "number", rule, ".").odd.to_pylist() == [True]


@pytest.mark.parametrize(
    ("cell", "forms", "expected"),
    [
        ("3.2.2025", ("%d.%m.%Y",), datetime(2025, 2, 3)),
        ("03.02.25", ("%d.%m.%y",), datetime(2025, 2, 3)),
        ("03.02.70", ("%d.%m.%y",), datetime(1970, 2, 3)),
        ("03-Feb-2025", ("%d-%b-%Y",), datetime(2025, 2, 3)),
        ("02/03/2025 02:00 PM", ("%m/%d/%Y %I:%M %p",), datetime(2025, 2, 3, 14)),
        ("2025-02-03T23:00:00-02:00", ("%d.%m.%Y",), datetime(2025, 2, 4, 1)),
        ("2025-02-03 23:00:00.5 UTC", ("%d.%m.%Y",), datetime(2025, 2, 3, 23, 0, 0, 500_000)),
        ("2025-02-03 23:00:00 UTCX", (), None),
        ("31.02.2024", ("%d.%m.%Y",), None),
        ("31.06.2024", ("%d.%m.%Y",), None),
        ("03.02.20255", ("%d.%m.%Y",), None),
        ("03.02.25", ("%d.%m.%Y",), None),
        ("0000-00-00", ("%Y-%m-%d",), None),
        ("2025-02-30", (), None),
        ("2025-02-30", ("%Y-%m-%d",), None),
    ],
)
def test_given_a_date_when_read_by_its_formats_then_it_is_that_day_and_none_that_does_not_exist(
    cell: str, forms: tuple[str, ...], expected: datetime | None
) -> None:
    rule = ColumnReading(dates=forms)
    found = column_reading.typed(pa.array([cell]), "date", rule, ".")
    assert found.values.to_pylist() == [expected]
    assert found.odd.to_pylist() == [expected is None]
    if expected is None:
        with pytest.raises(kinds.Unfit):
            cell_reading.value(cell, "date", ReadSettings(columns={"a": rule}), "a")
    else:
        assert cell_reading.value(cell, "date", ReadSettings(columns={"a": rule}), "a") == expected


def test_given_days_that_do_not_exist_under_settings_of_an_older_repo_then_they_are_refused_and_not_moved() -> None:
    with pytest.raises(kinds.Unfit):
        kinds.to_kind(pa.array(["31.01.2024", "31.02.2024"]), "date", ("%d.%m.%Y",))


def test_given_times_with_the_name_of_utc_when_parsed_then_they_are_those_with_a_z() -> None:
    times = ["2025-02-03 23:00:00 UTC", "2025-02-03 23:00:00.25 UTC", "2025-02-03T23:00:00Z", None]
    found = kinds.to_kind(pa.array(times), "date").to_pylist()
    assert found == [cell_reading.date(time, ()) if time else None for time in times]


RULES = st.builds(
    ColumnReading,
    decimal=st.sampled_from([None, ".", ","]),
    thousands=st.sampled_from(["", "'", " "]),
    unit=st.sampled_from(["", "$", "kg", "%", "Fr."]),
    formula=st.booleans(),
    dates=st.sampled_from([(), ("%d.%m.%Y", "%d.%m.%y"), ("%m/%d/%Y %I:%M %p", "%Y-%m-%d")]),
    missing=st.sampled_from([(), ("n.a.", "#REF!"), (cell_reading.digest("n.a."),)]),
)
PIECES = st.sampled_from(
    [
        "1",
        "12",
        "0",
        "345",
        ".",
        ",",
        "'",
        " ",
        "\u00a0",
        "-",
        "\u2212",
        "+",
        "(",
        ")",
        "$",
        "kg",
        "%",
        "Fr.",
        "e5",
        "E-2",
    ]
)
CELLS = st.one_of(
    st.lists(PIECES, max_size=6).map("".join),
    st.sampled_from(
        ["", "NA", " nan ", "n.a.", "#REF!", "true", "yes", "0", "x", '="17"', '="x"', "inf", "-Infinity", "5.", ".5"]
    ),
    st.from_regex(r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}( [0-9]{1,2}:[0-9]{2} [AP]M)?", fullmatch=True),
    st.from_regex(
        r"20[0-9]{2}-[0-1][0-9]-[0-3][0-9]([ T][0-2][0-9]:[0-5][0-9](:[0-5][0-9])?(Z|[+-]0[0-9]:00)?)?", fullmatch=True
    ),
)


@given(
    st.lists(CELLS, min_size=1, max_size=8),
    st.none() | RULES,
    st.sampled_from(["number", "integer", "boolean", "date", "text"]),
)
def test_given_any_cells_when_read_one_by_one_and_as_a_file_then_the_values_are_equal_or_both_are_refused(
    cells: list[str], rule: ColumnReading | None, kind: str
) -> None:
    read = ReadSettings(separator="|", columns={} if rule is None else {"a": rule})
    content = "a|b\n" + "".join(f'"{cell.replace(chr(34), chr(34) * 2)}"|x\n' for cell in cells)
    try:
        one = [cell_reading.value(cell, kind, read, "a") for cell in cells]
    except kinds.Unfit:
        with pytest.raises(FactoryError):
            read_file(content, read, kind)
    else:
        assert same(read_file(content, read, kind), one)


def read_file(content: str, read: ReadSettings, kind: str) -> list[object]:
    found = csv_text.batches("t.csv", lambda: io.BytesIO(content.encode()), read, {"a": kind, "b": "text"})
    values: list[object] = pa.Table.from_batches(found).column("a").to_pylist()
    return values


def same(one: list[Any], other: list[Any]) -> bool:
    """Equal, NaN being equal to NaN."""
    return [repr(value) for value in one] == [repr(value) for value in other]


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15) | st.none(), RULES)
def test_given_a_value_when_written_by_a_rule_then_the_rule_reads_it_again(
    value: float | None, rule: ColumnReading
) -> None:
    text = cell_reading.cell(value, rule, ".")
    found: Any = cell_reading.value(text, "number", ReadSettings(columns={"a": rule}), "a")
    assert found == value or (found is not None and value is not None and math.isclose(found, value, rel_tol=1e-15))


def test_given_a_cell_that_no_rule_names_when_trained_on_then_row_and_column_are_named_and_the_cell_is_not(
    tmp_path: Path,
) -> None:
    rule = ColumnReading(missing=("n.a.",))
    (tmp_path / "t.csv").write_text("a,b\n1,x\nn.a.,x\nsecret,x\n")
    located = source.locate(tmp_path, "t.csv")
    for read in (ReadSettings(columns={"a": rule}), ReadSettings()):
        row = 3 if read.columns else 2
        with pytest.raises(FactoryError, match=rf"column a holds values that are no number, .* row {row} ") as caught:
            list(source.batches(located, read, {"a": "number"}))
        assert "secret" not in str(caught.value)


def test_given_cells_that_a_rule_names_when_trained_on_then_the_log_counts_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,x\nn.a.,x\n2,x\nn.a.,x\n")
    read = ReadSettings(columns={"a": ColumnReading(missing=("n.a.",))})
    found = pa.Table.from_batches(source.batches(source.locate(tmp_path, "t.csv"), read, {"a": "integer"}))
    assert found.column("a").to_pylist() == [1, None, 2, None]
    assert "cells of a that are taken for missing, as data.read.columns says: 2, the first in row 2" in caplog.text
