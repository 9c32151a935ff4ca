"""Tables: what is refused, what is written once, and rows that never change sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandera.pandas as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.data import columns, declared
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry.model_folder import Column, InputSchema
from tests.unit.runtime.data.small_table import SCHEMA


def test_given_a_pandera_schema_when_read_then_limits_and_categories_are_those_it_declares() -> None:
    assert declared.input_columns(SCHEMA, "y") == (
        Column("a", "number", True, -10.0, 10.0),
        Column("b", "integer", False, 0.0),
        Column("c", "category", False, categories=("x", "z")),
    )


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.Column("datetime64[us]", nullable=True), Column("x", "date", True)),
        (pa.Column("datetime64[ns]"), Column("x", "date")),
        (pa.Column(str), Column("x", "text")),
        (pa.Column(str, pa.Check.str_length(1, 20)), Column("x", "text", False, 1.0, 20.0)),
        (pa.Column(str, pa.Check.isin(["b", "a"])), Column("x", "category", categories=("a", "b"))),
        (pa.Column("Int64", nullable=True), Column("x", "integer", True)),
        (pa.Column("boolean", nullable=True), Column("x", "boolean", True)),
        (pa.Column(float, pa.Check.ge(0)), Column("x", "number", False, 0.0)),
    ],
)
def test_given_a_dtype_when_declared_then_the_column_is_of_its_kind(column: pa.Column, expected: Column) -> None:
    assert declared.input_columns(pa.DataFrameSchema({"x": column, "y": pa.Column(int)}), "y") == (expected,)


@pytest.mark.parametrize(
    ("name", "dtype", "said"),
    [("when", "timedelta64[ns]", "column when"), ('size "', float, "rename"), ("a\nb", float, "rename")],
)
def test_given_a_column_that_no_model_takes_when_declared_then_it_is_refused(
    name: str, dtype: object, said: str
) -> None:
    schema = pa.DataFrameSchema({name: pa.Column(dtype), "y": pa.Column(int)})
    with pytest.raises(UsageProblem, match=said):
        declared.input_columns(schema, "y")


@pytest.mark.parametrize(
    "name", ["prediction", "Prediction", "probability_rain", "scored_at", "model_version", "model_sha256"]
)
def test_given_a_name_that_predictions_get_when_declared_then_only_an_input_of_it_is_refused(name: str) -> None:
    schema = pa.DataFrameSchema({"x": pa.Column(float), name: pa.Column(float), "y": pa.Column(int)})
    with pytest.raises(UsageProblem, match=f"column {name} .*rename it, or name it in IGNORED"):
        declared.input_columns(schema, "y")
    assert [column.name for column in declared.input_columns(schema, "y", (name,))] == ["x"]
    assert [column.name for column in declared.input_columns(schema, name)] == ["x", "y"]


@pytest.mark.parametrize("ignored", [(), ("Split",)])
def test_given_a_name_that_the_pipeline_s_tables_need_when_declared_then_it_is_refused_even_ignored(
    ignored: tuple[str, ...],
) -> None:
    schema = pa.DataFrameSchema({"x": pa.Column(float), "Split": pa.Column(str), "y": pa.Column(int)})
    with pytest.raises(UsageProblem, match=r"column Split .*: rename it$"):
        declared.input_columns(schema, "y", ignored)


def test_given_ignored_columns_when_declared_then_the_model_does_not_see_them() -> None:
    assert [column.name for column in declared.input_columns(SCHEMA, "y", ("a", "c"))] == ["b"]
    with pytest.raises(UsageProblem, match="IGNORED"):
        declared.input_columns(SCHEMA, "y", ("gone",))


def input_schema(features: tuple[str, ...]) -> InputSchema:
    return InputSchema("y", declared.input_columns(SCHEMA, "y"), features, (0, 1))


def test_given_rows_with_gaps_when_made_a_matrix_then_names_pin_the_order() -> None:
    schema = input_schema(("c=z", "a", "b"))
    raw = columns.raw_columns({"a": [1.5, None], "b": [3, 4], "c": ["z", "x"]}, schema)
    assert raw["b"].dtype == np.int64
    found = columns.matrix(raw, schema)
    assert found.dtype == np.float64
    assert np.array_equal(found, [[1.0, 1.5, 3.0], [0.0, np.nan, 4.0]], equal_nan=True)


def test_given_features_when_pinned_then_texts_become_a_column_for_each_declared_value() -> None:
    schema = input_schema(())
    made = {"a": np.array([1.0]), "c": np.array(["x"], dtype=object), "flag": np.array([True])}
    assert columns.pin(made, schema.columns, 1) == ("a", "c=x", "c=z", "flag")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"a": np.array([1.0, 2.0, 3.0])}, "shape"),
        ({"a": np.array([1.0, np.inf])}, "infinite"),
        ({}, "no column"),
    ],
)
def test_given_features_that_cannot_be_used_when_pinned_then_the_column_is_named(
    made: dict[str, np.ndarray], said: str
) -> None:
    with pytest.raises(UsageProblem, match=said):
        columns.pin(made, (), 2)


def test_given_dates_in_every_form_when_read_then_they_are_datetime64_without_offset() -> None:
    schema = InputSchema("y", (Column("when", "date", True),), ("when",), ())
    given = ["2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00+02:00", "2026-01-31T12:00:00Z", None]
    found = columns.raw_columns({"when": given}, schema)["when"]
    times = ["2026-01-31T00", "2026-01-31T12", "2026-01-31T10", "2026-01-31T12", "NaT"]
    assert found.dtype == "datetime64[us]"
    assert np.array_equal(found, np.array(times, dtype="datetime64[us]"), equal_nan=True)
    read_again: Any = {"when": found}
    assert np.array_equal(columns.raw_columns(read_again, schema)["when"], found, equal_nan=True)


TEXT = np.array(["p", "q", None], dtype=object)
NUMBER = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"x1": NUMBER}, "says nothing"),
        ({"": NUMBER}, "says nothing"),
        ({"feature_12": NUMBER}, "says nothing"),
        ({"size=p": NUMBER, "size": TEXT}, "two features"),
        ({"size": TEXT, "size=p": TEXT}, "two features"),
        ({"caf\u00e9": NUMBER, "cafe\u0301": NUMBER}, "look alike"),
        ({"when": np.array(["2026-01-01"] * 3, dtype="datetime64[us]")}, "date_parts"),
    ],
)
def test_given_feature_names_that_are_not_unique_and_specific_when_pinned_then_refused(
    made: dict[str, np.ndarray], said: str
) -> None:
    with pytest.raises(UsageProblem, match=said):
        columns.pin(made, (), 3)


def test_given_a_raw_column_of_any_name_when_pinned_then_it_keeps_it() -> None:
    made = {"x1": NUMBER, "1": NUMBER, "größe [m²].class": TEXT, "a=b": NUMBER}
    declared_columns = [Column(name, "number") for name in made]
    names = columns.pin(made, declared_columns, 3)
    assert names == ("x1", "1", "größe [m²].class=p", "größe [m²].class=q", "a=b")


@given(st.dictionaries(st.text("ab= ", min_size=1, max_size=4), st.lists(st.text("ab=", max_size=3), min_size=2)))
def test_given_any_names_and_texts_when_pinned_then_the_matrix_says_where_each_text_is(
    made: dict[str, list[str]],
) -> None:
    given_columns = {name: np.array(texts[:2], dtype=object) for name, texts in made.items()}
    declared_columns = [Column(name, "text") for name in made]
    try:
        names = columns.pin(given_columns, declared_columns, 2)
    except UsageProblem:
        return
    found = columns.matrix(given_columns, InputSchema("y", tuple(declared_columns), names, ()))
    assert len(set(names)) == len(names)
    pairs = [(name, text) for name, texts in made.items() for text in sorted(set(texts[:2]))]
    for place, (name, text) in enumerate(pairs):
        assert list(found[:, place]) == [float(value == text) for value in made[name][:2]]


def test_given_texts_that_features_grouped_when_pinned_then_those_that_occur_count() -> None:
    declared_columns = [Column("c", "category", categories=("x", "y", "z"))]
    made = {"c": np.array(["x", "other", None], dtype=object)}
    assert columns.pin(made, declared_columns, 3) == ("c=other", "c=x")


def test_given_features_that_lost_a_column_when_made_a_matrix_then_it_is_named() -> None:
    with pytest.raises(UsageProblem, match="no gone"):
        columns.matrix({"a": np.array([1.0])}, input_schema(("a", "gone")))
