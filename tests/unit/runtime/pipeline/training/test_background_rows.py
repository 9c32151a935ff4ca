"""Background rows: real ones of public data only, else columns of which no value is one person's."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.data import tables
from aifactory_runtime.data.columns import raw_columns
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.training import background_rows
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.background import ROWS
from aifactory_runtime.registry.model_folder import Column, InputSchema
from tests.unit.runtime.conftest import Pipeline
from tests.unit.runtime.pipeline.edits import edit

COLUMNS = (
    Column("whole", "integer"),
    Column("number", "number", nullable=True),
    Column("flag", "boolean", nullable=True),
    Column("kind", "category", categories=("a", "b")),
    Column("note", "text", nullable=True),
    Column("since", "date", nullable=True),
)
SCHEMA = InputSchema("y", COLUMNS, (), ())
VALUES = st.fixed_dictionaries(
    {
        "whole": st.integers(-(2**63), 2**63 - 1),
        "number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "flag": st.none() | st.booleans(),
        "kind": st.sampled_from(["a", "b"]),
        "note": st.none() | st.text(string.ascii_letters, min_size=20, max_size=40),
        "since": st.none() | st.datetimes().map(lambda moment: moment.isoformat()),
    }
)


def made_of(rows: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    columns = {column.name: [row[column.name] for row in rows] for column in COLUMNS}
    return background_rows.made_up(raw_columns(columns, SCHEMA), SCHEMA, np.random.default_rng(1))


@given(rows=st.lists(VALUES, min_size=1, max_size=8))
def test_given_any_rows_when_columns_are_made_up_then_they_fit_the_schema_and_no_rare_text_is_kept(
    rows: list[dict[str, Any]],
) -> None:
    made = made_of(rows)

    assert {len(column) for column in made.values()} == {ROWS}
    raw_columns(made, SCHEMA)
    assert {type(one) for one in made["whole"]} == {int} and {type(one) for one in made["number"]} <= {
        float,
        type(None),
    }
    least, most = min(row["whole"] for row in rows), max(row["whole"] for row in rows)
    assert all(least <= one <= most for one in made["whole"])
    assert set(made["kind"]) <= {row["kind"] for row in rows}
    assert not {row["note"] for row in rows} & {*made["note"]} - {None}
    assert (None in made["note"]) <= (None in {row["note"] for row in rows})


def test_given_a_table_when_columns_are_made_up_then_shares_and_spread_are_its_own_and_no_number_is_exact() -> None:
    chance = np.random.default_rng(0)
    rows = [
        {
            "whole": int(chance.integers(0, 100)),
            "number": None if number % 4 == 0 else float(chance.normal(50_000, 1_000)),
            "flag": True,
            "kind": "a",
            "note": "often" if number % 2 else f"only once {number}",
            "since": "2026-01-01",
        }
        for number in range(2_000)
    ]

    made = made_of(rows)

    numbers = [one for one in made["number"] if one is not None]
    assert made["number"].count(None) == ROWS / 4
    assert 47_900 < min(numbers) < 49_500 and 50_500 < max(numbers) < 52_100
    assert not set(numbers) & {row["number"] for row in rows}
    assert sorted(made["whole"]) != list(made["whole"]), "columns are shuffled, each by itself"
    assert 3 <= made["note"].count("often") <= 17 and not any("once" in note for note in made["note"])
    assert set(made["since"]) == {"2026-01-01T00:00:00"}


@pytest.mark.slow
@pytest.mark.parametrize("classification", ["public", "internal"])
def test_given_a_classification_when_trained_then_real_rows_are_kept_of_public_data_only_and_count_in_the_digest(
    repo: Path, pipeline: Pipeline, context: Context, classification: str
) -> None:
    edit(repo, "factory.yaml", "data_classification: internal", f"data_classification: {classification}")
    handoff = pipeline()
    folder = Path(context.registry.artifact_address(context.registry.version(1)))
    found = model_folder.read_background(folder)

    assert found is not None and found.rows == ROWS and found.made_up == (classification != "public")
    names = list(found.columns)
    table = tables.read(context.tables, "prepared")[names].astype(object).where(lambda frame: frame.notna(), None)
    known = set(table.itertuples(index=False, name=None))
    ours = list(zip(*found.columns.values(), strict=True))
    assert sum(row in known for row in ours) == (ROWS if classification == "public" else 0)
    model_folder.write_schema(folder, model_folder.read_schema(folder), model_folder.read_profile(folder))
    assert model_folder.digest(folder) != handoff.model_sha256
