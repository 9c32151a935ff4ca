"""What is counted and refused, in chunks as in one piece; the schema's checks; never a value in a message."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aifactory_runtime.config.settings import ColumnSettings, DataSettings
from aifactory_runtime.data import conform, quality
from aifactory_runtime.data.counted import About, Numbers
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.unit.runtime.data.small_table import SCHEMA, InParts, table


def inspect(frame: pd.DataFrame, chunk: int = 64, **conf: object) -> dict[str, object]:
    """The report of a table that is read in chunks."""
    regression = bool(conf.pop("regression", False))
    unique, keys = conf.pop("unique", ()), conf.pop("keys", ())

    about = About("y", tuple(unique), tuple(keys), regression)  # type: ignore[arg-type]
    return quality.inspect(InParts(frame, chunk), about, DataSettings.model_validate(conf))


def problems(frame: pd.DataFrame, **conf: object) -> str:
    return "; ".join(inspect(frame, **conf)["problems"])  # type: ignore[arg-type]


@pytest.mark.heavy
@given(st.integers(0, 1_000), st.integers(1, 400), st.integers(1, 300))
@example(0, 1, 41)  # 37 values, one of them exactly six deviations from the mean
def test_given_chunks_of_any_size_when_inspected_then_the_report_is_that_of_the_whole(
    seed: int, chunk: int, rows: int
) -> None:
    frame = table(rows, seed)
    frame.loc[frame.sample(frac=0.1, random_state=seed).index, "a"] = np.nan
    frame.loc[rows // 2, "a"] = 1e9
    whole = inspect(frame, chunk=rows)
    assert inspect(frame, chunk=chunk) == whole
    assert (whole["duplicates"], whole["equal_rows"]) == (0, int(frame.duplicated().sum()))
    assert whole["missing"] == ({"a": int(frame["a"].isna().sum())} if frame["a"].isna().any() else {})


def test_given_numbers_when_counted_in_chunks_then_mean_and_deviation_are_those_of_numpy() -> None:
    values = np.random.default_rng(1).normal(1e6, 2.0, size=10_000)
    found = Numbers()
    for start in range(0, 10_000, 333):
        found.merge(Numbers.of(values[start : start + 333]))
    assert found.mean == pytest.approx(values.mean(), rel=1e-12)
    assert np.sqrt(found.squares / found.count) == pytest.approx(values.std(), rel=1e-9)


def test_fault_20_given_copies_when_inspected_then_counted_and_refused_over_the_threshold() -> None:
    frame = pd.concat([table(10).assign(id=range(10))] * 2, ignore_index=True)
    report = inspect(frame, keys=[("id",)])
    assert report["duplicates"] == 10
    with pytest.raises(FactoryError, match="10 of 20 rows are copies"):
        quality.refuse(report)
    quality.refuse(inspect(frame, keys=[("id",)], max_duplicate_share=0.6))


def test_given_outliers_when_inspected_then_rows_and_columns_are_counted() -> None:
    frame = table(1_000).assign(d=0.0)
    frame.loc[3, ["a", "d"]] = 1e9
    report = inspect(frame, max_outlier_share=0.0)
    assert (report["outlier_rows"], report["outliers"]) == (1, {"a": 1, "d": 1})
    assert "1 of 1000 rows have outliers" in problems(frame, max_outlier_share=0.0)
    assert not problems(frame)


def test_fault_23_given_infinite_values_when_inspected_then_refused_and_missing_ones_counted() -> None:
    frame = table(100)
    frame.loc[0, "a"], frame.loc[1, "a"] = np.inf, np.nan
    report = inspect(frame)
    assert report["missing"] == {"a": 1}
    with pytest.raises(FactoryError, match="infinite values in a"):
        quality.refuse(report)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"missing": "allow"}, ""),
        ({"missing": 0.5}, ""),
        ({"missing": 0.1}, "a misses 20 values, data.columns allows 0.1 of the rows"),
        ({"missing": "refuse"}, "a misses 20 values"),
        ({"missing": 0.5, "infinite": "missing"}, ""),
    ],
)
def test_fault_23_given_a_policy_for_a_column_when_values_are_missing_then_it_decides(
    policy: dict[str, object], said: str
) -> None:
    frame = table(100)
    frame.loc[:19, "a"] = np.nan
    found = problems(frame, columns={"a": policy})
    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_fault_23_given_infinite_values_that_conf_takes_for_missing_when_conformed_then_they_are_missing() -> None:
    frame = table(10).astype({"b": "int64"})
    frame.loc[0, "a"] = -np.inf
    taken = conform.conform(frame, SCHEMA, {"a": ColumnSettings(infinite="missing")})
    assert taken["a"].isna().tolist() == [True] + [False] * 9
    assert not problems(taken, columns={"a": {"infinite": "missing"}})


def test_given_a_range_in_conf_when_values_lie_outside_then_counted_against_its_share() -> None:
    frame = table(100).assign(d=np.arange(100.0))
    said = problems(frame, columns={"d": {"minimum": 5, "maximum": 90}})
    assert said == "14 values of d lie outside of the range in data.columns"
    assert not problems(frame, columns={"d": {"minimum": 5, "maximum": 90, "max_outside_share": 0.2}})


def test_given_conf_for_a_column_that_is_not_there_when_inspected_then_it_is_a_usage_problem() -> None:
    with pytest.raises(UsageProblem, match="column gone"):
        inspect(table(10), columns={"gone": {}})


def test_fault_24_given_one_class_when_inspected_then_refused() -> None:
    assert "one class only" in problems(table(100).assign(y=1))


def test_given_labels_that_are_missing_when_inspected_then_refused() -> None:
    frame = table(100).astype({"y": float})
    frame.loc[0, "y"] = np.nan
    assert "y, which is to be learned, misses 1 values" in problems(frame)


def test_given_classes_when_inspected_then_their_balance_is_reported_and_held_against_a_threshold() -> None:
    frame = table(100).assign(y=["rare"] * 3 + ["common"] * 97)
    assert inspect(frame)["classes"] == {"common": 97, "rare": 3}
    assert "rarest class" in problems(frame, min_class_share=0.05)
    assert not problems(frame, min_class_share=0.01)


def test_given_a_regression_when_inspected_then_no_classes_but_mean_and_deviation() -> None:
    frame = table(100).assign(y=np.arange(100.0))
    report = inspect(frame, regression=True)
    assert "classes" not in report
    assert report["target"] == {"mean": pytest.approx(49.5), "deviation": pytest.approx(np.arange(100.0).std())}


def test_given_a_column_that_must_be_unique_when_repeated_in_another_chunk_then_refused() -> None:
    frame = table(200).assign(id=[*range(199), 0])
    schema = pa.DataFrameSchema({"id": pa.Column(int, unique=True)}, unique=["a", "c"])
    assert conform.unique_sets(schema) == [("id",), ("a", "c")]
    conform.row_wise(schema).validate(pd.DataFrame({"id": [1, 1], "a": [1, 1], "c": [1, 1]}))
    assert problems(frame, unique=[("id",)]) == "id is repeated in 1 rows, schema.py declares it unique"


def test_fault_22_given_another_schema_when_checked_then_the_difference_is_shown_and_no_value() -> None:
    frame = table(10).drop(columns="b").assign(more=1, c="secret")
    with pytest.raises(FactoryError) as caught:
        conform.conform(frame, SCHEMA)
    said = str(caught.value)
    assert "column b is missing" in said
    assert "column more is not declared" in said
    assert "secret" not in said
    assert "\n" not in said


def test_fault_22_given_two_tables_when_compared_then_each_column_that_differs_is_named() -> None:
    before = pyarrow.schema([("a", pyarrow.float64()), ("b", pyarrow.int64()), ("c", pyarrow.string())])
    after = pyarrow.schema([("c", pyarrow.int64()), ("a", pyarrow.float64()), ("d", pyarrow.bool_())])
    assert conform.difference(before, after) == ["- b (int64)", "+ d (bool)", "c: string -> int64"]
    assert conform.difference(before, before) == []


def test_given_types_that_lose_nothing_when_conformed_then_they_are_those_of_the_schema() -> None:
    schema = pa.DataFrameSchema(
        {
            "number": pa.Column(float, nullable=True),
            "count": pa.Column("Int64", nullable=True),
            "flag": pa.Column("boolean", nullable=True),
            "when": pa.Column("datetime64[us]"),
        }
    )
    frame = pd.DataFrame(
        {"number": [1, 2], "count": [1, 2], "flag": [True, False], "when": pd.to_datetime(["2024-01-01"] * 2)}
    )
    found = conform.conform(frame, schema)
    assert found.dtypes.astype(str).to_dict() == {
        "number": "float64",
        "count": "Int64",
        "flag": "boolean",
        "when": "datetime64[us]",
    }


def test_given_gaps_in_a_column_that_has_none_when_conformed_then_it_is_said() -> None:
    frame = table(10).assign(b=pd.array([None, *range(9)], dtype="Int64"))
    with pytest.raises(FactoryError, match="b"):
        conform.conform(frame, SCHEMA)


@pytest.mark.parametrize(("schema", "expected"), [(SCHEMA, False), (pa.DataFrameSchema({}, coerce=True), True)])
def test_given_a_schema_when_asked_then_it_says_whether_it_makes_other_values(
    schema: pa.DataFrameSchema, expected: bool
) -> None:
    assert conform.transforms(schema) is expected
