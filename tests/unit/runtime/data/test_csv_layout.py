"""Where a text table begins and ends: blank lines, titles, `sep=`, sums; header and rows are found by one rule."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError

ROWS = "a,b,c\n1,x,u\n2,y,v\n3,z,w\n4,x,u\n"
KINDS = {"a": "integer"}
READ = {"a": [1, 2, 3, 4], "b": ["x", "y", "z", "x"], "c": ["u", "v", "w", "u"]}


def read(
    folder: Path, content: bytes, known: ReadSettings | None = None
) -> tuple[ReadSettings, dict[str, list[object]]]:
    (folder / "t.csv").write_bytes(content)
    located = source.locate(folder, "t.csv")
    settings = known or source.detect(located)
    return settings, pa.Table.from_batches(source.batches(located, settings, KINDS)).to_pydict()


@pytest.mark.parametrize(
    ("before", "lines"),
    [
        ("", 0),
        ("\n", 1),
        ("\r\n\r\n", 2),
        ("Pumps of 2024\n", 1),
        ("Pumps of 2024\n\n", 2),
        (",,\n", 1),
        ("Pumps of 2024,,\n\n", 2),
        ("Pumps, 2024\nmade by hand\n\n", 3),
        ("Pumps,,\nmade on,2024-01-01,\n,,\n\n", 4),
        ("sep=,\n", 1),
        ('"sep=,"\r\n', 1),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_given_lines_before_the_header_when_read_then_header_and_rows_are_those_of_the_table(
    tmp_path: Path, before: str, lines: int, encoding: str
) -> None:
    found, rows = read(tmp_path, (before + ROWS).encode(encoding))
    assert found.skip_rows == lines
    assert rows == READ


def test_given_sep_and_a_sign_that_stands_in_cells_too_when_read_then_the_file_is_believed(tmp_path: Path) -> None:
    found, rows = read(tmp_path, b"sep=|\na|b,b|c\n1|x,y|u\n2|z,z|v\n")
    assert found.separator == "|"
    assert rows["b,b"] == ["x,y", "z,z"]


def test_given_a_blank_first_line_under_settings_of_an_older_repo_then_no_row_is_the_header(tmp_path: Path) -> None:
    assert read(tmp_path, ("\n" + ROWS).encode(), ReadSettings())[1] == READ


def test_given_a_header_with_too_few_names_then_it_is_no_title_and_the_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match=r"a row \(line 2\) has 3 values where the header has 2"):
        read(tmp_path, ROWS.replace("a,b,c", "b,c").encode())


def test_given_a_sum_below_the_table_when_read_then_it_is_left_out_and_settings_say_so(tmp_path: Path) -> None:
    found, rows = read(tmp_path, (ROWS + "Total rows: 4\n").encode())
    assert found.footer_rows == 1
    assert rows == READ


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (ROWS + "5,x\n", 6),  # no word: it may be a row that was cut off
        (ROWS + "Ab", 6),  # no line end: the file may be cut off
        (ROWS.replace("3,z,w", "Total 2"), 4),  # not at the end
        (ROWS.replace("3,z,w", "Total 2") + "Total 4\n", 4),
    ],
)
def test_given_a_short_row_that_is_no_sum_below_the_table_then_its_line_is_named(
    tmp_path: Path, rows: str, line: int
) -> None:
    with pytest.raises(FactoryError, match=rf"a row \(line {line}\) has . values where the header has 3"):
        read(tmp_path, rows.encode())


def test_given_quoted_line_breaks_when_a_row_is_short_then_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match=r"line 6\)"):
        read(tmp_path, b'\na,b\n1,"x\ny"\n\n2\n')
