"""A quoted cell ends where a cell ends, or its line is named; whatever the file looks like and however it is read."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import csv_quotes, source
from aifactory_runtime.errors import FactoryError

SEMICOLON = ReadSettings(separator=";")


def refusal(content: bytes, read: ReadSettings = SEMICOLON) -> str | None:
    try:
        csv_quotes.check("t.csv", lambda: io.BytesIO(content), read)
    except FactoryError as error:
        return str(error)
    return None


def strict(text: str) -> bool:
    """Whether Python's csv, told to be strict, finds something else behind a closing quote."""
    try:
        list(csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True))
    except csv.Error as error:
        return "expected after" not in str(error)
    return True


@given(st.text('a";\n', max_size=40), st.integers(1, 9))
@example('a;"b\nc;"d\n', 4)
@example('"a""b";c\n', 1)
@example('""";"\n', 3)
def test_given_any_quotes_when_looked_at_in_blocks_of_any_size_then_it_is_as_a_strict_reader_says(
    text: str, size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_quotes, "_BLOCK_BYTES", size)
        assert (refusal(text.encode()) is None) == strict(text)


@given(st.lists(st.lists(st.text('aB ";\n\r\t,', max_size=6), min_size=2, max_size=2), max_size=6), st.integers(0, 1))
def test_given_a_table_that_was_written_as_csv_is_then_it_is_never_refused(rows: list[list[str]], all_of: int) -> None:
    made = io.StringIO(newline="")
    csv.writer(made, delimiter=";", quoting=csv.QUOTE_ALL if all_of else csv.QUOTE_MINIMAL).writerows(rows)
    assert refusal(made.getvalue().encode()) is None
    assert refusal(made.getvalue().encode("utf-8-sig")) is None


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b'a;b\n1;x\n2;"y\n3;z\n4;"w\n', 3, ", 2 lines below: close it"),
        (b'a;b\n1;"x"y;\n', 2, "in the middle of a cell: close it"),
        (b'a;b\n1;" x\n2;" y\n', 2, ", 1 line below: close"),
        (b'a;b\n1;"say \\"hi\\""\n', 2, "a backslash before a quote"),
        (b"a;b\n" + b"1;x\n" * 9 + b'2;"5" x\n', 11, "in the middle"),
    ],
)
def test_given_a_quote_that_closes_within_a_cell_then_the_line_that_opens_it_is_named(
    content: bytes, line: int, said: str
) -> None:
    found = refusal(content)
    assert found is not None and f"line {line} " in found and said in found, found


@pytest.mark.parametrize(
    "content", [b'a;b\n1;5" pipe\n2;6" pipe and 7"\n', b'a;b\n1;"x" \n"2"\t;y\n', b'a;b\n1;C:\\\n2;"D:\\"\n', b""]
)
def test_given_quotes_within_plain_cells_or_blanks_behind_quoted_ones_then_nothing_is_refused(content: bytes) -> None:
    assert refusal(content) is None


def test_given_two_cells_whose_quotes_are_never_closed_when_the_table_is_read_then_no_row_is_lost_silently(
    tmp_path: Path,
) -> None:
    remarks = {52: '"Zoll 5 h', 92: '"Zoll 5 h'}
    rows = [f"{n};{remarks.get(n, 'plain')};{n % 2}" for n in range(200)]
    (tmp_path / "t.csv").write_text("\n".join(["n;remark;y", *rows, ""]))
    located = source.locate(tmp_path, "t.csv")
    with pytest.raises(FactoryError, match="line 54 is closed in the middle of a cell, 40 lines below"):
        list(source.batches(located, source.detect(located), {"n": "number"}))
