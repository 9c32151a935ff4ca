"""How many odd cells a column may have and be read all the same: a twentieth, one where there are few."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory.profile import take_in
from aifactory.profile.column_rules import few


@pytest.mark.parametrize(
    ("odd", "total", "left"),
    [
        (0, 1, True),
        (1, 9, False),  # too few cells to tell
        (1, 10, True),
        (2, 10, False),
        (1, 20, True),
        (2, 39, False),
        (2, 40, True),
        (3, 40, False),
        (3, 60, True),
        (4, 60, False),
        (500, 10_000, True),
        (501, 10_000, False),
    ],
)
def test_given_odd_cells_at_the_limit_then_they_are_few_up_to_a_twentieth(odd: int, total: int, left: bool) -> None:
    assert few(odd, total) is left


@pytest.mark.parametrize(("odd", "kind"), [(3, "number"), (4, "text")])
def test_given_a_table_with_odd_cells_at_the_limit_when_looked_at_then_the_column_is_of_numbers_up_to_it(
    tmp_path: Path, odd: int, kind: str
) -> None:
    rows = [f"{'broken' if row < odd else f'{row}.5'},{'ab'[row % 2]}" for row in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["kw,state", *rows, ""]))
    column = take_in("t.csv", tmp_path).table.column("kw")
    assert column is not None
    assert column.kind == kind
    assert column.odd.count == (odd if kind == "number" else 0)
    assert f"{60 - odd} of 60 cells are numbers" in (column.taken or column.said or "")
