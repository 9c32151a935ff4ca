"""Where a text table begins and ends: blank lines, titles, `sep=`, sums; header and rows are found by one rule."""

from __future__ import annotations

import re
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
    with pytest.raises(
        FactoryError, match=r"line 1, taken for the header, has 2 values, most lines below it 3; .* else name each"
    ):
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


SUMMED = "a,b,c\n1,x,u\n2,y,v\n3,z,w\n4,x,u\n"


@pytest.mark.parametrize("kinds", [{}, {"a": "integer", "b": "text", "c": "category"}])
@pytest.mark.parametrize("last", ["10,Total,u", "10,x,TOTAL:", "10,Gesamtergebnis,u", "10,x,\u5408\u8a08"])
def test_given_a_sum_in_a_last_row_that_is_full_when_read_then_it_is_refused_by_name(
    tmp_path: Path, last: str, kinds: dict[str, str]
) -> None:
    (tmp_path / "t.csv").write_text(SUMMED + last + "\n")
    located = source.locate(tmp_path, "t.csv")
    with pytest.raises(FactoryError, match=r"the last row holds the word \w+, which no other row has in that column"):
        list(source.batches(located, source.detect(located), kinds))


def test_given_a_sum_in_a_column_of_numbers_when_trained_on_then_the_row_and_the_word_are_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(SUMMED + "Total,10,u\n")
    with pytest.raises(FactoryError, match="row 5 under the header holds the word total: if it sums up the others"):
        list(source.batches(source.locate(tmp_path, "t.csv"), ReadSettings(), {"a": "integer", "b": "text"}))


@pytest.mark.parametrize(
    ("below", "where"),
    [
        ("10,Total (4),u\n", "the last row holds the word total,"),
        ("10,Total:,u\n,,\n", "the row before the last one holds the word total,"),
        ("6,x,Subtotal\n10,Total,u\n,,\nx,y,2024\n", "the row before the last 2 holds the word total,"),
    ],
)
def test_given_a_sum_above_blank_rows_or_a_source_when_read_then_it_is_refused_by_name(
    tmp_path: Path, below: str, where: str
) -> None:
    (tmp_path / "t.csv").write_text(SUMMED + below)
    with pytest.raises(FactoryError, match=re.escape(where)):
        list(source.batches(source.locate(tmp_path, "t.csv"), ReadSettings()))


@pytest.mark.parametrize(
    "text", ["a,b,c\n1,x,total\n2,y,v\n3,z,w\n4,x,Total\n", "a,b,c\n1,Total,u\n", SUMMED + "5,x,Total Fitness\n"]
)
def test_given_a_word_for_a_sum_that_is_a_value_like_others_when_read_then_its_row_counts(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "t.csv").write_text(text)
    located = source.locate(tmp_path, "t.csv")
    assert sum(batch.num_rows for batch in source.batches(located, ReadSettings())) == text.count("\n") - 1


NUMBERS = "kw,volt,city,day\n" + "".join(f"{n}.5,{n},Bonn,2025-01-0{n}\n" for n in range(1, 8))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "Pumps,2024\n" + NUMBERS,
            "line 1, taken for the header, has 2 values, most lines below it 4; if it is a title",
        ),
        ("# a, b, c, d, e\n" + NUMBERS, "line 1, taken for the header, has 5 values, most lines below it 4"),
        ("Pumps,2024,,\n" + NUMBERS, "line 2 reads like a header, too"),
        ("power,power,place,time\n" + NUMBERS, "line 2 reads like a header, too"),
        ("\n" + NUMBERS.replace("\n", "\n[kW],[V],,\n", 1), "line 3 reads like a header, too"),
        (NUMBERS.replace("\n", "\n--,----,---,-\n", 1), "line 2, under the header, is a line of dashes"),
        (NUMBERS.replace("\n", "\n---+----+---+-\n", 1), "line 2, under the header, is a line of dashes"),
        (NUMBERS.replace(",", "|").replace("\n", "\n:---|:---:|---|---\n", 1), "line 2, under the header, is a line"),
        (NUMBERS + "1,2\n3,4,5,6\n", "a row (line 9) has 2 values where the header has 4"),
    ],
)
def test_given_a_line_beside_the_header_that_is_no_row_when_read_then_it_is_refused_with_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(FactoryError) as caught:
        read(tmp_path, text.encode())
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "first",
    ["#DIV/0!,1,Bonn,2025-01-01", "NA,-,Bonn,", "none,1,--,2025-01-01", "--,--,--,--", "broken,1,Bonn,2025-01-01"],
)
def test_given_a_first_row_with_odd_cells_when_read_then_it_is_a_row(tmp_path: Path, first: str) -> None:
    (tmp_path / "t.csv").write_text(NUMBERS.replace("\n", f"\n{first}\n", 1))
    located = source.locate(tmp_path, "t.csv")
    assert sum(batch.num_rows for batch in source.batches(located, source.detect(located))) == NUMBERS.count("\n")


@pytest.mark.parametrize("other", ["a\u200b", "\ufeffa", "a ", "\u00a0a"])
def test_given_two_names_that_look_alike_when_read_then_they_are_refused_with_what_nobody_sees(
    tmp_path: Path, other: str
) -> None:
    with pytest.raises(FactoryError, match="two columns look alike, 'a' and '"):
        read(tmp_path, f"a,{other},c\n1,x,u\n".encode())


def test_given_one_name_twice_when_read_then_the_second_gets_a_number(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,a,,\n1,x,u,v\n")
    located = source.locate(tmp_path, "t.csv")
    assert next(source.batches(located, ReadSettings())).schema.names == ["a", "a.1", "unnamed_3", "unnamed_4"]


@pytest.mark.parametrize("kinds", [{}, {"a": "integer", "b": "text"}])
@pytest.mark.parametrize("cell", ['"say \\"hi\\" now"', '"5\\" pipe"', '"two\nlines \\"x"'])
def test_given_quotes_with_a_backslash_before_them_when_read_then_the_line_is_named(
    tmp_path: Path, cell: str, kinds: dict[str, str]
) -> None:
    (tmp_path / "t.csv").write_text(f"a,b,c\n1,x,u\n2,{cell},v\n")
    line = 3 + cell.count("\n")
    with pytest.raises(FactoryError, match=f"line {line} has a backslash before a quote within a quoted cell"):
        list(source.batches(source.locate(tmp_path, "t.csv"), ReadSettings(), kinds))


@pytest.mark.parametrize(
    ("cell", "value"),
    [('"C:\\"', "C:\\"), ('"say ""C:\\"""', 'say "C:\\"'), ('5\\" pipe', '5\\" pipe'), ('"\\""x"', '\\"x')],
)
def test_given_backslashes_that_are_letters_when_read_then_they_are_kept(tmp_path: Path, cell: str, value: str) -> None:
    (tmp_path / "t.csv").write_text(f"a,b,c\n1,x,u\n2,{cell},v\n")
    batches = source.batches(source.locate(tmp_path, "t.csv"), ReadSettings())
    assert pa.Table.from_batches(batches).to_pydict()["b"] == ["x", value]


def test_given_a_quote_that_is_never_closed_when_read_then_what_it_swallows_is_no_footer(tmp_path: Path) -> None:
    text = NUMBERS + '"8.5,8,Bonn,2025-01-08\n' + NUMBERS.partition("\n")[2] * 9
    with pytest.raises(FactoryError, match=r"a row \(line 9\) has 1 values where the header has 4"):
        read(tmp_path, text.encode())
