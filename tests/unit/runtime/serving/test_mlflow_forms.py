"""MLflow's forms of a request: each says the same rows, and what is none of them is refused in words of our own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.serving import mlflow_forms
from aifactory_runtime.serving.request_decoding import Refused, RowReader
from tests.unit.runtime.serving_parts import ROW, SCHEMA

READER = RowReader(SCHEMA, max_rows=4)
SECRET = "Zq9secret"


def _forms(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The same rows in each form."""
    names = list(ROW)
    data = [[row[name] for name in names] for row in rows]
    return {
        "dataframe_records": rows,
        "instances": rows,
        "inputs": rows,
        "dataframe_split": {"columns": names, "data": data},
        "dataframe_split ": {"index": [7] * len(rows), "columns": names, "data": data},
        "inputs ": {name: [row[name] for row in rows] for name in names},
    }


@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "age": st.integers(18, 110),
                "mean income": st.none() | st.floats(0, 1e6),
                "member": st.booleans(),
                "region": st.sampled_from(["east", "west"]),
            }
        ),
        min_size=1,
        max_size=4,
    )
)
def test_given_any_rows_when_sent_in_each_form_then_the_columns_are_equal(rows: list[dict[str, Any]]) -> None:
    expected = READER.predict(json.dumps({"rows": rows}).encode()).columns

    for key, value in _forms(rows).items():
        extras: tuple[dict[str, Any], ...] = ({}, {"params": {}}, {"params": None})
        for params in extras:
            body = {key.strip(): value, **params}
            assert READER.invocations(json.dumps(body).encode()).columns == expected


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"dataframe_records": [ROW], "params": {SECRET: 1}}, "params are not supported"),
        ({"inputs": [ROW], "params": [SECRET]}, "params are not supported"),
        ({"inputs": [list(ROW.values())]}, "a row of inputs is a list without names"),
        ({"instances": [list(ROW.values())]}, "a row of instances is a list without names"),
        ({"instances": [ROW, SECRET]}, "row 1: expected an object"),
        ({"instances": {name: [value] for name, value in ROW.items()}}, "/invocations takes either"),
        ({"inputs": {**ROW, "age": [40]}}, "inputs: give each column one value, or each a list"),
        ({"inputs": {**ROW, "age": {SECRET: 1}}}, "inputs: give each column one value"),
        (
            {"inputs": {**{name: [value] for name, value in ROW.items()}, "age": [40, 41]}},
            "inputs: give each column one",
        ),
        ({"inputs": {}}, "inputs: give each column one value"),
        ({"inputs": {name: [] for name in ROW}}, "send 1 to 4 rows"),
        ({"inputs": []}, "send 1 to 4 rows"),
        ({"inputs": [ROW] * 5}, "send 1 to 4 rows"),
        ({"inputs": {name: [value] * 5 for name, value in ROW.items()}}, "send 1 to 4 rows"),
        ({"inputs": {**{name: [value] for name, value in ROW.items()}, SECRET: [1]}}, "does not know"),
        ({"inputs": [{**ROW, "age": SECRET}]}, "row 0: column 'age' must be a whole number"),
        ({"inputs": [ROW], "instances": [ROW]}, "/invocations takes either"),
        ({"inputs": [ROW], SECRET: 1}, "/invocations takes either"),
        ({"inputs": SECRET}, "/invocations takes either"),
        ({SECRET: [ROW]}, "/invocations takes either"),
        ({"dataframe_split": {"columns": list(ROW), "data": [list(ROW.values())], SECRET: 1}}, "/invocations takes"),
        ({"dataframe_split": {"columns": [[SECRET]], "data": [[1]]}}, "/invocations takes either"),
        ({"dataframe_split": {"columns": list(ROW), "data": [[1]]}}, "row 0 has 1 values for 4 columns"),
        ({"dataframe_split": [ROW]}, "/invocations takes either"),
    ],
)
def test_given_what_is_no_form_when_read_then_it_is_refused_without_repeating_it(body: Any, says: str) -> None:
    with pytest.raises(Refused) as refused:
        READER.invocations(json.dumps(body).encode())

    assert says in str(refused.value)
    assert SECRET not in str(refused.value)


def test_given_one_value_a_column_when_read_then_it_is_one_row() -> None:
    body = json.dumps({"inputs": {**ROW, "age": 41}}).encode()

    assert (
        READER.invocations(body).columns == READER.predict(json.dumps({"rows": [{**ROW, "age": 41}]}).encode()).columns
    )


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(
            st.sampled_from(["dataframe_split", "inputs", "instances", "params", "columns", "data", "index", *ROW]),
            part,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(body=ANY_JSON)
def test_given_any_json_when_brought_to_rows_then_there_are_some_or_it_is_refused(body: Any) -> None:
    try:
        rows = mlflow_forms.rows(body, 4)
    except mlflow_forms.NotRows:
        return
    assert 1 <= len(rows) <= 4
