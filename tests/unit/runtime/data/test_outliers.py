"""Outliers by column: what is refused of conf, limits of training rows, and values capped bit for bit alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.config.settings import ColumnSettings
from aifactory_runtime.data import columns, declared, outliers, table_writing, tables
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.model_folder import Column, InputSchema
from aifactory_runtime.serving.request_decoding import RowReader

KINDS = {"a": "number", "b": "integer", "c": "category", "y": "number"}


@pytest.mark.parametrize(
    ("name", "what", "said"),
    [
        ("a", "cap", ""),
        ("b", "remove", ""),
        ("y", "remove", ""),
        ("c", "count", ""),
        ("c", "cap", "needs a column of numbers"),
        ("c", "remove", "needs a column of numbers"),
        ("y", "cap", "no model sees y"),
    ],
)
def test_given_a_choice_in_conf_when_checked_then_one_without_effect_is_refused(
    name: str, what: str, said: str
) -> None:
    conf = {name: ColumnSettings.model_validate({"outliers": what})}
    if not said:
        outliers.check(conf, KINDS, {"y"})
        return
    with pytest.raises(UsageProblem, match=rf"conf: data\.columns\.{name}\.outliers: {what} .*{said}"):
        outliers.check(conf, KINDS, {"y"})


@given(st.floats(-1e6, 1e6), st.floats(1.0, 1e6), st.integers(1, 200))
def test_given_chunks_of_any_size_when_learned_then_limits_are_those_of_the_whole(
    middle: float, spread: float, chunk: int
) -> None:
    frame = pd.DataFrame({"a": middle + spread * np.random.default_rng(1).normal(size=300)})
    whole = outliers.learn([frame], ["a"], 6.0)
    parts = outliers.learn((frame.iloc[start : start + chunk] for start in range(0, 300, chunk)), ["a"], 6.0)
    assert parts == whole
    low, high = whole["a"]
    deviation = frame["a"].std(ddof=0)
    assert (low + high) / 2 == pytest.approx(frame["a"].mean(), abs=0.02 * deviation)
    assert (high - low) / 12 == pytest.approx(deviation, rel=0.01)


def test_given_one_value_when_learned_then_there_is_no_limit() -> None:
    assert outliers.learn([pd.DataFrame({"a": [2.0] * 9})], ["a"], 6.0) == {}


def test_given_a_prepared_table_when_learned_then_only_training_rows_say_what_is_far(tmp_path: Path) -> None:
    draw = np.random.default_rng(2)
    trained = pd.DataFrame({"a": draw.normal(size=200), "y": 0, "split": "train"})
    tested = pd.DataFrame({"a": [1e6, 2.0, np.nan], "y": 0, "split": "test"})
    table_writing.write(tmp_path, "prepared", [trained, tested], "one", by="split", starts={"train": 0, "test": 200})
    limits = outliers.of_training_rows(tmp_path, 0, ["a"], 6.0)
    assert limits == outliers.learn([trained], ["a"], 6.0)
    assert limits["a"][1] < 10
    assert outliers.count(tables.batches(tmp_path, "prepared", 0), limits) == {
        "a": {"training_rows": 0, "other_rows": 1}
    }


SCHEMA = InputSchema(
    "y",
    outliers.capped(
        (Column("a", "number", True), Column("b", "integer"), Column("n", "integer", True), Column("c", "text")),
        {"a": (-1.5, 2.25), "b": (0.5, 7.5), "n": (0.5, 7.5)},
    ),
    ("a", "b", "n"),
    (0, 1),
)
values = st.one_of(st.none(), st.floats(-1e300, 1e300), st.integers(-(2**53), 2**53))


@given(st.lists(st.tuples(values, st.integers(-(2**53), 2**53)), min_size=1, max_size=20))
def test_given_any_rows_when_asked_for_over_http_or_in_a_table_then_they_are_capped_to_the_same_bits(
    rows: list[tuple[float | None, int]],
) -> None:
    asked = [{"a": a, "b": b, "n": b, "c": "x"} for a, b in rows]
    read = RowReader(SCHEMA, 100).predict(json.dumps({"rows": asked}).encode())
    online = columns.raw_columns(read.columns, SCHEMA)
    table: dict[str, Any] = {
        "a": np.array([np.nan if a is None else a for a, _ in rows], dtype=np.float64),
        "b": np.array([b for _, b in rows], dtype=np.int64),
        "n": np.array([b for _, b in rows], dtype=np.float64),
        "c": ["x"] * len(rows),
    }
    stored = columns.raw_columns(table, SCHEMA)
    for name in ("a", "b", "n"):
        assert online[name].dtype == stored[name].dtype
        assert online[name].tobytes() == stored[name].tobytes()
    assert online["b"].dtype == np.int64
    assert online["b"].tolist() == [min(max(b, 1), 7) for _, b in rows]
    known = [min(max(float(a), -1.5), 2.25) for a, _ in rows if a is not None]
    assert online["a"][~np.isnan(online["a"])].tolist() == known


def test_given_limits_between_two_whole_numbers_when_capped_then_those_around_them_are_taken() -> None:
    (column,) = outliers.capped((Column("b", "integer"),), {"b": (5.25, 5.75)})
    assert column.cap == (5.0, 6.0)


def test_given_a_model_when_written_and_read_then_its_caps_come_along_and_without_any_its_bytes_are_as_before(
    tmp_path: Path,
) -> None:
    plain = InputSchema("y", (Column("a", "number"),), ("a",), (0, 1))
    for name, schema in {"capped": SCHEMA, "plain": plain}.items():
        (tmp_path / name).mkdir()
        model_folder.write_schema(tmp_path / name, schema)
        assert model_folder.read_schema(tmp_path / name) == schema
    assert "cap" not in json.loads((tmp_path / "plain" / "input_schema.json").read_text())["columns"][0]
    assert declared.digest(SCHEMA.columns, "y") == declared.digest(
        tuple(Column(one.name, one.kind, one.nullable) for one in SCHEMA.columns), "y"
    )
