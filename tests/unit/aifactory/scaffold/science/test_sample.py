"""Made-up rows: of the declared kind, within the declared limits, and as varied as the column, however far it lies."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from aifactory.profile import Table, Wishes, propose, scan
from aifactory.scaffold.science import report, sample, schema
from aifactory.scaffold.science.brief import Brief, figure, limits
from aifactory_runtime.config.settings import ReadSettings
from aifactory_runtime.data import cell_reading, kinds, source

CASES = Path(__file__).resolve().parents[4] / "fixtures" / "cases"
ROWS, ENOUGH = 60, 20
PLACES = np.random.default_rng(5).permutation(ROWS)
STATE = ["ok" if place % 3 else "fail" for place in range(ROWS)]
ANSWERS = {"data_classification": "internal"}


def looked_at(place: Path) -> Table:
    located = source.locate(place.parent, place.name)
    return scan(located, source.detect(located))


def brief_of(table: Table, **answers: str) -> Brief:
    return Brief(propose(table, "t", "state", Wishes()), "uc", ANSWERS | answers, real_sample=False)


def stored(folder: Path, values: pa.Array) -> Table:
    parquet.write_table(pa.table({"c": values, "k": pa.array(PLACES / 7), "state": STATE}), folder / "t.parquet")
    return looked_at(folder / "t.parquet")


def check(brief: Brief) -> None:
    """Each column of the made-up rows against what schema.py declares, and its variety against the table's."""
    rows = sample.rows(brief, None)  # type: ignore[arg-type]
    lines = sample.as_csv(rows, [c.name for c in brief.proposal.columns], ReadSettings()).decode().splitlines()
    assert len(lines) == len(rows) + 1
    assert schema.source(brief)
    assert report.source(brief, [])
    for column in brief.proposal.columns:
        values = [row[column.name] for row in rows if row[column.name] is not None]
        texts = pa.array([cell_reading.cell(value, None, ".") for value in values])
        read = kinds.to_kind(texts, column.kind)
        assert read.null_count == 0
        if column.kind == "date":
            assert all(datetime.fromisoformat(value) for value in values)
        if column.kind in {"number", "integer"}:
            least, most = limits(column) or (-(2**63), 2**63 - 1 if column.kind == "integer" else math.inf)
            assert all(least <= value <= most for value in values if column.used)
        if column.role not in {"constant", "empty", "ignored"}:
            varied = min(ENOUGH, column.distinct)
            assert len(set(values)) >= varied - varied // 10, column.name  # chance may leave out one or two of many


@pytest.mark.parametrize(
    "case", ["whole-numbers-beyond-2-53/devices.csv", "little-spread-far-from-zero/places.csv",
             "valid-until-9999/contracts.csv"]
)  # fmt: skip
def test_given_a_case_when_rows_are_made_up_then_each_column_has_many_values(case: str) -> None:
    brief = brief_of(looked_at(CASES / case))
    check(brief)
    rows = sample.rows(brief, None)  # type: ignore[arg-type]
    for column in brief.proposal.columns:
        assert len({row[column.name] for row in rows}) >= ENOUGH


def decimals(start: int) -> pa.Array:
    """Of 0.1 and as many digits as `start` has."""
    return pa.array([f"0.{start + int(place)}" for place in PLACES]).cast(pa.decimal128(38, 31))


COLUMNS = {
    "64-bit ids": (pa.array(PLACES.astype(np.int64) + 2**62), "id", "text"),
    "unsigned": (pa.array(PLACES.astype(np.uint64) + np.uint64(2**63)), "id", "text"),
    "small unsigned": (pa.array(PLACES % 9, pa.uint64()), "number", "integer"),
    "decimal keys": (pa.array([10**30 + int(place) for place in PLACES], pa.decimal128(38, 0)), "id", "text"),
    "few large codes": (pa.array(2**60 + PLACES % 3), "category", "category"),
    "negative extremes": (pa.array([int(place) - 2**63 for place in PLACES]), "id", "text"),
    "nanoseconds": (pa.array(1_700_000_000_000_000_000 + PLACES * 1_000), "id", "text"),
    "large, told apart": (pa.array(10**15 + PLACES), "number", "integer"),
    "exact limit": (pa.array(2**53 - PLACES), "number", "integer"),
    "one beyond": (pa.array([2**53 + 1, *range(1, ROWS)]), "id", "text"),
    "a tiny spread": (pa.array(1 + PLACES * 1e-12), "number", "number"),
    "below resolution": (pa.array(1e6 + PLACES % 2 * 1.2e-10), "number", "number"),
    "large numbers": (pa.array(1e140 * (1.0 + PLACES)), "number", "number"),
    "small numbers": (pa.array(1e-300 * (1.0 + PLACES)), "number", "number"),
    "constant but one": (pa.array((PLACES == 7).astype(int)), "number", "integer"),
    "many digits": (decimals(10**30), "constant", "number"),
    "some digits more": (decimals(10**16), "number", "number"),
    "no end": (pa.array([date(9999, 12, 31) if p % 2 else date(2024, 1, 1 + p // 2) for p in PLACES]), "date", "date"),
    "long ago": (pa.array([date(1, 1, 1) + timedelta(int(place)) for place in PLACES]), "date", "date"),
    "before Python's": (pa.array(-800_000 + PLACES, pa.int32()).cast(pa.date32()), "text", "text"),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
def test_given_a_column_at_the_ends_of_its_type_then_role_and_made_up_rows_agree_with_it(
    tmp_path: Path, name: str
) -> None:
    values, role, kind = COLUMNS[name]
    brief = brief_of(stored(tmp_path, values))
    found = brief.proposal.columns[0]
    assert kind == found.kind
    assert role == found.role or name == "before Python's"
    check(brief)


@pytest.mark.parametrize("name", ["64-bit ids", "few large codes", "unsigned"])
def test_given_whole_numbers_beyond_2_53_in_text_then_they_are_taken_as_in_a_stored_table(
    tmp_path: Path, name: str
) -> None:
    values, role, kind = COLUMNS[name]
    cells = zip(values.to_pylist(), PLACES / 7, STATE, strict=True)
    (tmp_path / "t.csv").write_text("c,k,state\n" + "".join(f"{c},{k},{state}\n" for c, k, state in cells))
    table = looked_at(tmp_path / "t.csv")
    column = next(c for c in table.columns if "beyond 2^53" in (c.said or ""))
    assert column.distinct == len(set(values.to_pylist()))
    found = next(c for c in brief_of(table).proposal.columns if c.name == column.name)
    assert (found.role, found.kind) == (role, kind)


@pytest.mark.heavy
@given(
    base=st.floats(-1e100, 1e100) | st.integers(-(2**63), 2**63 - 1).map(float) | st.floats(-1e6, 1e6),
    spread=st.floats(1e-14, 1e20),
    kind=st.sampled_from(["number", "integer", "date"]),
    order=st.sampled_from(["rising", "shuffled", "with a gap"]),
)
@example(base=1.0, spread=1e-12, kind="number", order="with a gap")
@example(base=2.0**53, spread=1e-14, kind="integer", order="shuffled")
def test_given_any_column_when_rows_are_made_up_then_they_are_of_its_kind_within_limits_and_as_varied(
    tmp_path_factory: pytest.TempPathFactory, base: float, spread: float, kind: str, order: str
) -> None:
    places = (np.arange(ROWS) if order == "rising" else PLACES) - ROWS / 2
    if kind == "number":
        values: list[Any] = (base + abs(base) * spread * places).tolist()
    elif kind == "integer":
        values = [min(max(int(base) + int(place * spread), -(2**63)), 2**63 - 1) for place in places.tolist()]
        values = [min(max(value, -(2**63)), 2**63 - 1) for value in values]
    else:
        ends = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        first, last = (int(end.timestamp()) * 10**6 for end in ends)
        values = [min(max(int(base) + int(place * spread * 1e6), first), last) for place in places.tolist()]
    if order == "with a gap":
        values[3] = None
    types = {"number": pa.float64(), "integer": pa.int64(), "date": pa.timestamp("us")}
    table = stored(tmp_path_factory.mktemp("made"), pa.array(values, types[kind]))
    if table.columns[0].kind in {"number", "integer"} and not math.isfinite(table.columns[0].squares):
        return
    check(brief_of(table))


@pytest.mark.parametrize(
    ("value", "spread", "expected"),
    [(52.5200746, 1.3e-5, "52.5200746"), (1234.5, 400.0, "1,234"), (2e9, 1e9, "2,000,000,000"), (0.5, 0.0, "0.5")],
)
def test_given_a_number_far_from_zero_when_shown_then_digits_of_its_spread_are_there(
    value: float, spread: float, expected: str
) -> None:
    assert figure(value, spread) == expected
