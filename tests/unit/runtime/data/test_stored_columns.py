"""Columns of Parquet and Delta: what becomes of decimals and lengths of time is said, other types are named."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyarrow import parquet

from aifactory_runtime.data import lost_digits, source
from aifactory_runtime.errors import FactoryError


def read(folder: Path, column: pa.Array, kinds: dict[str, str] | None = None, rows: int = 2) -> list[Any]:
    parquet.write_table(pa.table({"a": column, "b": ["x"] * len(column)}), folder / "t.parquet")
    return read_again(folder, "t.parquet", kinds, rows)


def read_again(folder: Path, name: str, kinds: dict[str, str] | None = None, rows: int = 2) -> list[Any]:
    located = source.locate(folder, name)
    found = pa.Table.from_batches(source.batches(located, source.detect(located), kinds, rows))
    values: list[Any] = found["a"].to_pylist()
    return values


LONG = pa.array([Decimal("1.5"), None, Decimal("-0.1"), Decimal("12345678901234567.123456789012345678"),
                 Decimal("0.333333333333333333")], pa.decimal128(38, 18))  # fmt: skip


@pytest.mark.parametrize("kinds", [{}, {"a": "number"}])
def test_given_decimals_with_more_digits_than_a_float_when_read_then_how_many_and_the_first_row_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kinds: dict[str, str]
) -> None:
    with caplog.at_level(logging.WARNING):
        assert read(tmp_path, LONG, kinds) == [1.5, None, -0.1, 12345678901234567.0, 1 / 3]
    assert caplog.messages == [
        "note: t.parquet: decimals of a with more digits than a model holds are rounded: 2, the first in row 4"
    ]


def test_given_such_decimals_in_delta_when_read_then_they_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_deltalake(str(tmp_path / "d"), pa.table({"a": LONG}))
    with caplog.at_level(logging.WARNING):
        read_again(tmp_path, "d", {"a": "number"})
    assert "note: d: decimals of a with more digits" in caplog.text and ": 2, the first in row 4" in caplog.text


@pytest.mark.parametrize(
    "column",
    [
        pa.array([Decimal("0.12"), Decimal("-99999999.99")], pa.decimal128(10, 2)),
        pa.array([Decimal("0.100000000000000000"), Decimal("4611686018427387000")], pa.decimal128(38, 18)),
    ],
)
def test_given_decimals_that_a_float_holds_when_read_then_nothing_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, column: pa.Array
) -> None:
    with caplog.at_level(logging.WARNING):
        assert read(tmp_path, column) == [float(value) for value in column.to_pylist()]
    assert not caplog.messages


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_given_lengths_of_time_when_read_then_they_are_microseconds_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, unit: str
) -> None:
    lengths = pa.array([timedelta(seconds=3), None, timedelta(days=-2)], pa.duration(unit))
    with caplog.at_level(logging.WARNING):
        assert read(tmp_path, lengths, {"a": "number"}) == [3e6, None, -172_800e6]
    assert caplog.messages == ["note: t.parquet: column a holds lengths of time: read as whole microseconds"]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array([[1]]), "list<"),
        (pa.array([b"secret"]), "binary"),
        (pa.array([{"c": 1}]), "struct<c: int64>"),
    ],
)
def test_given_a_type_that_is_not_read_when_read_then_column_and_type_are_named(
    tmp_path: Path, column: pa.Array, said: str
) -> None:
    with pytest.raises(FactoryError, match=f"column a holds values of type {said}") as caught:
        read(tmp_path, column)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("9007199254740993", True),
        ("9.007.199.254.740.993,00 €", True),
        ("-0.3333333333333333333", True),
        ("9007199254740992", False),
        ("1.7976931348623157e+308", False),
        ("0.1", False),
        ("100000000000000000000000", False),
        ("-12.50", False),
    ],
)
def test_given_a_number_in_a_text_when_asked_then_it_is_lost_if_a_float_shows_other_digits(
    text: str, lost: bool
) -> None:
    plain = text.removesuffix(" €")
    number = float(plain.replace(".", "").replace(",", ".") if "," in plain else plain)
    assert lost_digits.lost(pa.array([text, None]), pa.array([number, None])).to_pylist() == [lost, False]
