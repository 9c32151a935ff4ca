"""Tables: what is refused, what is written once, and rows that never change sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import columns, declared, quality, source, split, tables
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.registry.model_folder import Column, InputSchema


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "a": draw.normal(size=rows),
            "b": draw.integers(0, 1_000_000, size=rows),
            "c": draw.choice(["x", "z"], size=rows),
            "y": draw.integers(0, 2, size=rows),
        }
    )


def test_given_a_sample_when_drawn_twice_then_it_is_the_same_and_in_order() -> None:
    frame = table(100)
    one, two = source.sample(frame, 10, 3), source.sample(frame, 10, 3)
    assert one.equals(two)
    assert len(one) == 10
    assert source.sample(frame, 0, 3) is frame


def test_given_equal_content_when_written_again_then_there_is_no_new_version(tmp_path: Path) -> None:
    first = tables.write(tmp_path, "raw", table(10), "one")
    assert tables.write(tmp_path, "raw", table(10), "one") == first
    assert tables.write(tmp_path, "raw", table(11), "two").version == 1
    assert len(tables.read(tmp_path, "raw", 0)) == 10
    assert len(tables.read(tmp_path, "raw")) == 11


def test_given_types_and_gaps_when_written_and_read_then_the_frame_is_equal(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "number": [1.5, np.nan, np.inf],
            "whole": [1, 2, 3],
            "flag": [True, False, True],
            "text": ["a", None, "ü"],
            "maybe": pd.array([True, None, False], dtype="boolean"),
            "count": pd.array([1, None, 2], dtype="Int64"),
        }
    )
    tables.write(tmp_path, "raw", frame, "one")
    pd.testing.assert_frame_equal(tables.read(tmp_path, "raw"), frame)


def test_given_many_rows_when_read_then_they_are_in_the_order_they_were_written(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": np.random.default_rng(1).permutation(100_000)})
    tables.write(tmp_path, "raw", frame, "one")
    assert np.array_equal(tables.read(tmp_path, "raw")["n"], frame["n"])


def test_given_equal_facts_when_appended_again_then_nothing_is_added(tmp_path: Path) -> None:
    assert tables.append(tmp_path, "scored", table(5), {"input_sha256": "a", "model_version": "1"})
    assert not tables.append(tmp_path, "scored", table(5), {"input_sha256": "a", "model_version": "1"})
    assert tables.append(tmp_path, "scored", table(5), {"input_sha256": "a", "model_version": "2"})
    assert len(tables.read(tmp_path, "scored")) == 10


def test_fault_25_given_a_folder_that_cannot_be_written_when_written_then_one_line(tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("a file where the table should be")
    with pytest.raises(FactoryError, match="table raw"):
        tables.write(tmp_path, "raw", table(5), "one")


def test_given_a_table_that_is_not_there_when_read_then_one_line(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match="table raw is not there"):
        tables.read(tmp_path, "raw")


def test_given_whole_numbers_that_become_decimals_when_hashed_then_rows_keep_their_hash() -> None:
    whole = pd.DataFrame({"a": [1, 2], "b": [True, False], "c": ["x", "z"]})
    decimal = whole.astype({"a": float, "b": float})
    assert np.array_equal(tables.row_hashes(whole), tables.row_hashes(decimal[["c", "b", "a"]]))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(100, 300), st.integers(1, 200))
def test_given_data_that_grows_when_split_then_no_row_changes_sides(seed: int, rows: int, more: int) -> None:
    before = split.assign(table(rows, seed), "y", 0.3, 0.2, None)
    grown = pd.concat([table(more, seed + 1), table(rows, seed)], ignore_index=True)
    after = split.assign(grown, "y", 0.3, 0.2, None)
    both = before.merge(after, on=["a", "b", "c", "y"], suffixes=("_before", "_after"))
    assert len(both) == len(before)
    assert (both["split_before"] == both["split_after"]).all()


def test_given_equal_rows_with_other_labels_when_split_then_they_are_on_one_side() -> None:
    frame = table(300)
    rows = split.assign(pd.concat([frame, frame.assign(y=1 - frame["y"])]), "y", 0.2, 0.1, None)
    assert (rows.groupby(["a", "b", "c"])["split"].nunique() == 1).all()


def test_given_shares_that_change_when_split_then_reference_rows_stay_out_of_training() -> None:
    first = split.assign(table(500), "y", 0.4, 0.1, None)
    reference = first[first["split"] == "test"].drop(columns="split")
    second = split.assign(table(500), "y", 0.05, 0.5, reference)
    trained = second[second["split"] != "test"]
    assert trained.merge(reference, on=["a", "b", "c"]).empty


def test_given_shares_when_split_then_they_come_out_about_so() -> None:
    counts = split.assign(table(5_000), "y", 0.2, 0.1, None)["split"].value_counts(normalize=True)
    assert counts["test"] == pytest.approx(0.2, abs=0.03)
    assert counts["validation"] == pytest.approx(0.1, abs=0.03)


def test_given_too_few_rows_when_split_then_one_line() -> None:
    with pytest.raises(FactoryError, match="more data"):
        split.assign(table(3), "y", 0.2, 0.1, None)


def test_fault_20_given_duplicates_when_inspected_then_counted_and_refused_over_the_threshold() -> None:
    frame = pd.concat([table(10)] * 2, ignore_index=True)
    report = quality.inspect(frame, "y", DataSettings())
    assert report["duplicates"] == 10
    with pytest.raises(FactoryError, match="10 of 20 rows are duplicates"):
        quality.refuse(report)
    quality.refuse(quality.inspect(frame, "y", DataSettings(max_duplicate_share=0.6)))


def test_given_outliers_when_inspected_then_rows_are_counted() -> None:
    frame = table(1_000)
    frame.loc[3, "a"] = 1e9
    report = quality.inspect(frame, "y", DataSettings(max_outlier_share=0.0))
    assert report["outlier_rows"] == 1
    assert "outliers" in report["problems"][0]


def test_fault_23_given_infinite_values_when_inspected_then_refused_and_missing_ones_counted() -> None:
    frame = table(100)
    frame.loc[0, "a"], frame.loc[1, "a"] = np.inf, np.nan
    report = quality.inspect(frame, "y", DataSettings())
    assert report["missing"] == {"a": 1}
    with pytest.raises(FactoryError, match="infinite values in a"):
        quality.refuse(report)


def test_fault_24_given_one_class_when_inspected_then_refused() -> None:
    with pytest.raises(FactoryError, match="one class only"):
        quality.refuse(quality.inspect(table(100).assign(y=1), "y", DataSettings()))


SCHEMA = pa.DataFrameSchema(
    {
        "a": pa.Column(float, pa.Check.in_range(-10, 10), nullable=True),
        "b": pa.Column(int, pa.Check.ge(0)),
        "c": pa.Column(str, pa.Check.isin(["z", "x"])),
        "y": pa.Column(int),
    },
    strict=True,
)


def test_fault_22_given_another_schema_when_checked_then_the_difference_is_shown_and_no_value() -> None:
    frame = table(10).drop(columns="b").assign(more=1, c="secret")
    with pytest.raises(FactoryError) as caught:
        quality.conform(frame, SCHEMA)
    said = str(caught.value)
    assert "column b is missing" in said
    assert "column more is not declared" in said
    assert "secret" not in said
    assert "\n" not in said


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
    assert np.array_equal(columns.raw_columns({"when": found}, schema)["when"], found, equal_nan=True)


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
