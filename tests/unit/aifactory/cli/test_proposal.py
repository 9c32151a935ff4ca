"""What `factory new` says of a table, as people read it in a terminal or a pipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory.cli import proposal
from aifactory.profile import Wishes, take_in


def test_given_a_table_then_its_rows_and_columns_are_said_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{number},{number % 7},{'yes' if number % 3 else 'no'}" for number in range(1200)]
    (tmp_path / "table.csv").write_text("\n".join(["age,visits,churned", *rows, ""]))
    answers = {"data": "table.csv", "use_case": "churn", "target_column": "churned"}
    intake = take_in("table.csv", tmp_path, None)

    proposal.science(answers, intake, Wishes(None, (), None, ()), quiet=False)

    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("1,200 rows, 3 columns: classification of churned, judged by ")
