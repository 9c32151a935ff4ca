"""Text tables as people write them, as `factory new` takes them in: right values, or a sentence that tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory.profile import Proposal, Table, Wishes, propose, take_in
from aifactory_runtime.errors import FactoryError

CASES = Path(__file__).parents[3] / "fixtures" / "cases"


def looked_at(place: str, target: str = "state", encoding: str | None = None) -> tuple[Table, Proposal]:
    found = take_in(place, CASES, encoding)
    return found.table, propose(found.table, found.source, target, Wishes())


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
