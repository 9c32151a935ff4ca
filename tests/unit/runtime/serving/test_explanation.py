"""Explanations: additive for every model, exact where that is known, the same for the same request."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aifactory_runtime.data.columns import matrix, raw_columns
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import explanation
from aifactory_runtime.registry.background import Background
from aifactory_runtime.registry.model_folder import Column, InputSchema
from aifactory_runtime.serving.document import Served
from aifactory_runtime.serving.model import ServedModel
from aifactory_runtime.serving.request_decoding import Refused

SERVED = Served("1", "a" * 64, "", "b" * 40, "c" * 64)
COLUMNS = (
    Column("age", "integer", minimum=0, maximum=120),
    Column("income", "number", nullable=True),
    Column("region", "category", nullable=True, categories=("east", "west")),
    Column("note", "text", nullable=True),
    Column("since", "date", nullable=True),
    Column("unread", "boolean"),
)
FEATURES = ("age", "income", "region=east", "region=west", "letters", "year")
ROWS = {
    "age": st.integers(0, 120),
    "income": st.none() | st.floats(-1e6, 1e6),
    "region": st.none() | st.sampled_from(["east", "west"]),
    "note": st.none() | st.text(max_size=5),
    "since": st.none() | st.dates().map(lambda day: day.isoformat()),
    "unread": st.booleans(),
}


def features(columns: Mapping[str, Any]) -> Mapping[str, Any]:
    letters = [np.nan if note is None else float(len(note)) for note in columns["note"]]
    years = columns["since"].astype("datetime64[Y]").astype(np.float64)
    year = np.where(np.isnat(columns["since"]), np.nan, years)
    return {name: columns[name] for name in ("age", "income", "region")} | {"letters": np.array(letters), "year": year}


def background(rows: int = 20) -> Background:
    chance = np.random.default_rng(1)
    some = chance.random(rows) < 0.2
    values: dict[str, list[Any]] = {
        "age": chance.integers(0, 120, rows).tolist(),
        "income": [None if gap else float(value) for gap, value in zip(some, chance.normal(0, 1e5, rows), strict=True)],
        "region": [["east", "west", None][one] for one in chance.integers(0, 3, rows)],
        "note": [[None, "", "abc"][one] for one in chance.integers(0, 3, rows)],
        "since": [None if gap else f"20{year:02d}-05-01" for gap, year in zip(some, range(rows), strict=True)],
        "unread": (chance.random(rows) < 0.5).tolist(),
    }
    return Background({name: tuple(column) for name, column in values.items()}, made_up=True)


@cache
def model(kind: str) -> ServedModel:
    estimators = {
        "linear classification": make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
        "linear regression": make_pipeline(SimpleImputer(), StandardScaler(), LinearRegression()),
        "boosted classification": HistGradientBoostingClassifier(max_iter=3),
        "boosted regression": HistGradientBoostingRegressor(max_iter=3),
    }
    classes = ("high", "low", "middle") if "classification" in kind else ()
    schema = InputSchema("y", COLUMNS, FEATURES, classes)
    found = matrix(features(raw_columns(background(99).columns, schema)), schema)
    target = found[:, 0] + np.nan_to_num(found[:, 4]) * 10 + found[:, 2] * 20
    labels = np.array(["low", "middle", "high"])[np.digitize(target, [40, 80])] if classes else target
    made = ServedModel.make(SERVED, schema, estimators[kind].fit(found, labels), features, 1)
    return with_background(made, background())


def with_background(made: ServedModel, rows: Background) -> ServedModel:
    return ServedModel(made.served, made.schema, made.reader, made.estimator, made.features, background=rows)


def explained(made: ServedModel, row: dict[str, Any]) -> tuple[dict[str, Any], explanation.Explanation]:
    rows = made.reader.explain(msgspec.json.encode({"rows": [row]}))
    (output,) = made.predict(rows)
    return output, made.explain(rows, output, lambda: None)


@pytest.mark.parametrize(
    "kind", ["linear classification", "linear regression", "boosted classification", "boosted regression"]
)
@given(row=st.fixed_dictionaries(ROWS))
@settings(max_examples=4)
def test_given_any_row_when_explained_then_the_values_sum_to_the_answer_less_the_background_s_mean(
    kind: str, row: dict[str, Any]
) -> None:
    made = model(kind)
    output, found = explained(made, row)

    answer = output["prediction"] if "regression" in kind else max(output["probabilities"])
    of_background = made.estimator.predict if "regression" in kind else made.estimator.predict_proba
    assert made.background is not None
    scores = of_background(matrix(features(raw_columns(made.background.columns, made.schema)), made.schema))
    if "classification" in kind:
        scores = scores[:, made.schema.classes.index(output["prediction"])]
    assert found.answer == answer
    assert found.background_mean == pytest.approx(float(np.mean(scores)))
    scale = max(1.0, abs(answer), *map(abs, found.columns.values()))
    assert sum(found.columns.values()) == pytest.approx(answer - found.background_mean, abs=1e-9 * scale)
    assert list(found.columns) == [column.name for column in COLUMNS]
    assert found.columns["unread"] == pytest.approx(0, abs=1e-9 * scale), "the model does not read it"
    assert explained(made, row)[1] == found


def test_given_a_linear_model_when_explained_then_each_value_is_weight_times_distance_to_the_mean() -> None:
    chance = np.random.default_rng(0)
    rows, row = chance.normal(size=(20, 40)), chance.normal(size=(1, 40))
    weights = chance.normal(size=40)
    names = [f"column {number}" for number in range(40)]

    def score(columns: Mapping[str, Any]) -> Any:
        return np.stack([columns[name] for name in names], axis=1) @ weights

    def as_columns(values: Any) -> dict[str, Any]:
        return dict(zip(names, values.T, strict=True))

    found = explanation.explain(float((row @ weights)[0]), as_columns(row), as_columns(rows), score, 40)

    assert list(found.columns.values()) == pytest.approx((weights * (row[0] - rows.mean(axis=0))).tolist())


def test_given_a_product_of_two_columns_when_explained_then_values_are_shapley_s() -> None:
    one = {"x": np.array([2.0]), "y": np.array([3.0])}
    rows = {"x": np.array([0.0, 1.0]), "y": np.array([1.0, 5.0])}

    found = explanation.explain(6.0, one, rows, lambda columns: columns["x"] * columns["y"], 2)

    x_first, y_first = np.mean(2 * rows["y"]) - 2.5, np.mean(3 * rows["x"]) - 2.5
    assert found.background_mean == 2.5
    assert found.columns["x"] == pytest.approx((x_first + 6 - 2.5 - y_first) / 2)
    assert found.columns["y"] == pytest.approx((y_first + 6 - 2.5 - x_first) / 2)


def test_given_one_column_or_many_cells_when_explained_then_sums_hold_and_no_batch_is_larger_than_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []

    def score(columns: Mapping[str, Any]) -> Any:
        sizes.append(len(columns["a"]) * len(columns))
        return np.prod(np.stack(list(columns.values())), axis=0)

    def explain(names: str) -> explanation.Explanation:
        row = {name: np.array([2.0]) for name in names}
        rows = {name: np.linspace(0, 1, 20) for name in names}
        return explanation.explain(2.0 ** len(names), row, rows, score, len(names))

    whole = explain("abcdefgh")
    monkeypatch.setattr(explanation, "_MOST_CELLS", 400)
    sizes.clear()

    assert explain("abcdefgh") == whole and max(sizes) <= 400
    assert explain("a").columns == {"a": 1.5}


def test_given_a_row_that_cannot_be_mixed_when_explained_then_it_is_refused_in_a_line() -> None:
    schema = InputSchema("y", (Column("a", "number"), Column("b", "number")), ("ratio",), ())

    def ratio(columns: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ratio": columns["a"] / columns["b"]}

    fitted = LinearRegression().fit(np.array([[1.0], [2.0]]), np.array([1.0, 2.0]))
    made = ServedModel.make(SERVED, schema, fitted, ratio, 1)
    made = with_background(made, Background({"a": (1.0,) * 20, "b": (0.0,) * 20}, made_up=True))

    with pytest.raises(Refused, match="row 0: it cannot be explained"):
        explained(made, {"a": 1.0, "b": 2.0})


def test_given_background_rows_of_other_columns_when_a_model_is_tried_out_then_it_is_not_loaded() -> None:
    made = with_background(model("linear regression"), Background({"age": (1,) * 20}, made_up=True))

    with pytest.raises(FactoryError, match="background rows of other columns"):
        made.try_out()
