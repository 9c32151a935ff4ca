"""Tables as tools write them: lines above the header, letters, an index, sums below; each is read, or said."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory.profile import readings, take_in
from aifactory_runtime.errors import FactoryError
from tests.unit.aifactory.profile.looking import CASES, looked_at, said_of, written


@pytest.mark.parametrize("place", ["blank-line-first/pumps.csv", "excel-sep-line/pumps.csv"])
def test_given_a_line_above_the_header_when_looked_at_then_it_is_no_row_and_that_is_said(place: str) -> None:
    table, proposal = looked_at(place)
    assert table.rows == 60
    assert [(column.name, column.role) for column in proposal.columns] == [("kw", "number"), ("age", "number")]
    assert sorted(label for label, _ in proposal.problem.classes) == ["fail", "ok"]
    assert "lines above the header that are left out: 1" in proposal.notes


def test_given_letters_of_japan_when_looked_at_then_it_is_asked_and_with_the_answer_they_are_read() -> None:
    with pytest.raises(FactoryError, match="how are the letters written"):
        looked_at("shift-jis/fudou.csv")
    _, proposal = looked_at("shift-jis/fudou.csv", encoding="shift_jis")
    assert [(column.name, column.role) for column in proposal.columns] == [("電力", "number"), ("都市", "category")]


def test_given_an_index_that_pandas_saved_when_looked_at_then_it_is_an_id_and_no_feature(tmp_path: Path) -> None:
    assert {c.name: c.role for c in looked_at("index-of-pandas-shuffled/pumps.csv")[1].columns}["Unnamed: 0"] == "id"
    rows = (CASES / "index-of-pandas-shuffled" / "pumps.csv").read_text()
    for name in ("level_0", "index", ""):
        (tmp_path / "t.csv").write_text(rows.replace("Unnamed: 0", name, 1))
        assert looked_at(str(tmp_path / "t.csv"))[1].columns[0].role == "id"


def test_given_exports_below_each_other_when_their_index_starts_again_then_it_is_an_id_all_the_same(
    tmp_path: Path,
) -> None:
    header, *rows = (CASES / "index-of-pandas-shuffled" / "pumps.csv").read_text().splitlines()
    (tmp_path / "t.csv").write_text("\n".join([header, *rows, *rows, *rows, ""]))
    (tmp_path / "u.csv").write_text("\n".join([header.replace("Unnamed: 0", "floor"), *rows, *rows, *rows, ""]))
    assert looked_at(str(tmp_path / "t.csv"))[1].columns[0].role == "id"
    assert looked_at(str(tmp_path / "u.csv"))[1].columns[0].role == "number"


def test_given_a_header_in_the_middle_when_looked_at_then_its_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "joined.csv"
    rows = [f"{number},{'ok' if number % 2 else 'fail'}" for number in range(60)]
    path.write_text("\n".join(["kw,state", *rows, "kw, state", *rows, ""]))
    with pytest.raises(FactoryError, match="row 61 under the header is the header once more"):
        looked_at(str(path))


def test_given_letters_as_windows_writes_them_when_looked_at_then_it_is_said_and_a_text_in_utf_8_says_nothing(
    tmp_path: Path,
) -> None:
    text = "größe,state\n" + "".join(f"{number % 9},{'ja' if number % 2 else 'nö'}\n" for number in range(60))
    said = {}
    for encoding in ("cp1252", "utf-8"):
        path = tmp_path / f"{encoding}.csv"
        path.write_text(text, encoding=encoding)
        said[encoding] = any("letters are read as Windows" in note for note in looked_at(str(path))[1].notes)
    assert said == {"cp1252": True, "utf-8": False}


def test_given_another_separator_when_the_target_is_looked_for_then_those_that_are_known_are_named(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("kw^state\n" + "1^ok\n2^fail\n" * 30)
    with pytest.raises(FactoryError, match="told apart by a comma, a semicolon, a tab or"):
        looked_at(str(path))


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("7.5,ok,Mean:", "the last row holds the word mean: it counts as a row"),
        ("7.5,ok,x2", None),
    ],
)
def test_given_a_word_that_may_mean_a_sum_in_the_last_row_when_looked_at_then_it_is_said(
    tmp_path: Path, last: str, said: str | None
) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{number}.5,{'ok' if number % 2 else 'fail'},x{number % 3}" for number in range(60)]
    path.write_text("\n".join(["kw,state,y", *rows, last, ""]))
    notes = [note for note in looked_at(str(path))[1].notes if "the last row" in note]
    assert [note[: len(said or "")] for note in notes] == ([said] if said else [])


def test_given_a_last_row_of_words_where_others_have_numbers_when_looked_at_then_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{number}.5,{'ok' if number % 2 else 'fail'},{number}" for number in range(60)]
    path.write_text("\n".join(["kw,state,y", *rows, "Source,ok,World Bank", ""]))
    with pytest.raises(FactoryError, match="the last row holds words in kw and y, where all others have numbers"):
        looked_at(str(path))
    path.write_text("\n".join(["kw,state,y", *rows, "#DIV/0!,ok,#DIV/0!", ""]))
    assert looked_at(str(path))[0].rows == len(rows) + 1


def test_given_names_with_letters_that_nobody_sees_when_looked_at_then_they_are_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("k\u200bw,m\u00a0v,state\n" + "".join(f"{n}.5,{n % 7},{'ab'[n % 2]}\n" for n in range(60)))
    notes = looked_at(str(path))[1].notes
    assert [note.partition(", which nobody")[0] for note in notes if "nobody sees" in note] == [
        "kw: its name holds U+200B",
        "m v: its name holds U+00A0",
    ]
    path.write_text("kw,state\ufeff\n" + "".join(f"{n}.5,{'ab'[n % 2]}\n" for n in range(60)))
    with pytest.raises(FactoryError, match=r"no column state, but 'state.ufeff', which looks alike"):
        looked_at(str(path))


def test_given_an_index_in_another_order_when_looked_at_then_it_is_an_id_whatever_its_name(tmp_path: Path) -> None:
    _, proposal = looked_at(written(tmp_path, [str(number * 7 % 60) for number in range(60)]))
    assert (proposal.columns[0].role, proposal.columns[0].reason) == (
        "id",
        "whole numbers that count the rows, in another order",
    )


@pytest.mark.heavy
def test_given_thousands_further_down_than_one_batch_when_looked_at_then_all_rows_are_read_alike(
    tmp_path: Path,
) -> None:
    cells = [*(str(number % 1000) for number in range(70_000)), "1,188", "2,050", "17,000", "oops"]
    table, proposal = looked_at(written(tmp_path, cells))
    assert table.read.columns["kw"].thousands == ","
    assert (proposal.columns[0].kind, proposal.columns[0].highest) == ("integer", 17_000)
    assert "the first in row 70004" in said_of(proposal, "kw")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("5.1,3.5,Iris", "the first line is taken for the names of the columns, and 2 of them are numbers"),
        ("7,7,x", "the first line is taken for the names of the columns, and 2 of them are numbers"),
        ("2019,2020,state", None),
        ("0,1,2", None),
        ("kw,n,state", None),
    ],
)
def test_given_a_first_line_of_numbers_when_looked_at_then_that_a_header_may_be_missing_is_said(
    tmp_path: Path, names: str, said: str | None
) -> None:
    (tmp_path / "t.csv").write_text(names + "\n" + "".join(f"{n}.5,{n % 7},{'ab'[n % 2]}\n" for n in range(60)))
    table = take_in("t.csv", tmp_path, None).table
    notes = [note for note in readings.notes(table) if "first line" in note]
    assert [note.startswith(said or "") for note in notes] == ([True] if said else [])
