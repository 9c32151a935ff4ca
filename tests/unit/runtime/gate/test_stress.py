"""Rows that training never saw: what SCHEMA lets in is tried, and an answer that is none is a finding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aifactory_runtime.data.columns import raw_columns
from aifactory_runtime.gate import stress
from aifactory_runtime.registry.model_folder import Column, InputSchema

COLUMNS = (
    Column("age", "integer", minimum=18, maximum=110),
    Column("income", "number", nullable=True, minimum=0),
    Column("region", "category", nullable=True, categories=("east", "west")),
    Column("note", "text"),
    Column("since", "date", nullable=True),
    Column("member", "boolean"),
)
RANGES = {"age": (20.0, 90.0), "income": (100.0, 900.0)}
ROWS: dict[str, Any] = {
    "age": np.array([30, 40]),
    "income": np.array([200.0, 300.0]),
    "region": np.array(["east", "west"], dtype=object),
    "note": np.array(["a", "b"], dtype=object),
    "since": np.array(["2026-01-01", "2026-02-01"], dtype="datetime64[us]"),
    "member": np.array([True, False]),
}


def test_given_columns_when_cases_are_made_then_only_what_schema_lets_in_is_tried() -> None:
    found = {case.name: case.values for case in stress.cases(COLUMNS, RANGES)}
    assert set(found) == {
        "age far below",
        "age far above",
        "income missing",
        "income far below",
        "income far above",
        "region missing",
        "region = east",
        "region = west",
        "note unknown",
        "since missing",
        "all missing that may be",
    }
    assert found["age far below"] == {"age": 18} and found["age far above"] == {"age": 110}
    assert found["income far below"] == {"income": 0} and found["income far above"] == {"income": 1_700}
    assert set(found["all missing that may be"]) == {"income", "region", "since"}
    assert not stress.cases([Column("age", "integer", minimum=20, maximum=90)], RANGES), "nothing beyond may come"
    assert not stress.cases([Column("code", "text", maximum=3)], {})


def test_given_a_column_with_a_cap_when_stressed_then_the_model_is_asked_at_its_limits_as_the_service_asks_it() -> None:
    column = Column("income", "number", cap=(150.0, 800.0))
    found = {case.name: case.values for case in stress.cases([column], {"income": (100.0, 900.0)})}
    assert found == {"income far below": {"income": 150.0}, "income far above": {"income": 800.0}}
    whole = Column("age", "integer", cap=(-2.5, 60.5))
    ages = {"age": np.array([30, 40])}
    asked = []

    def ask(columns: Any) -> Any:
        asked.append(columns["age"])
        return columns["age"]

    stress.of(ages, stress.cases([whole], {"age": (0.0, 90.0)}), ask, None, refuse=True)
    service = raw_columns({"age": [-90, -90, 180, 180]}, InputSchema("target", (whole,), ("age",), ()))
    assert asked[0].tolist() == service["age"].tolist() == [-2, -2, 60, 60]


def told(ask: Any, limits: tuple[float, float] | None = None, *, refuse: bool = True) -> Any:
    return stress.of(ROWS, stress.cases(COLUMNS, RANGES), ask, limits, refuse=refuse)


def test_given_a_model_that_answers_all_when_stressed_then_nothing_is_said_and_it_is_asked_once() -> None:
    asked = []

    def ask(columns: Any) -> Any:
        asked.append(len(columns["age"]))
        return np.nan_to_num(columns["income"])

    found = told(ask, (-1e9, 1e9))
    assert not found.objections and not found.remarks and found.report["wrong"] == {}
    assert asked == [22]


def test_given_a_model_without_an_answer_to_missing_values_when_stressed_then_the_case_is_named() -> None:
    found = told(lambda columns: columns["income"])
    assert found.objections == (
        "stress: rows with income missing: no finite answer",
        "stress: rows with all missing that may be: no finite answer",
    )
    shown = told(lambda columns: columns["income"], refuse=False)
    assert not shown.objections and shown.remarks == found.objections


def test_given_features_that_raise_when_stressed_then_only_the_cases_that_raise_are_found() -> None:
    known = {"a", "b"}

    def ask(columns: Any) -> Any:
        if not set(columns["note"]) <= known:
            raise KeyError("note")
        return np.ones(len(columns["age"]))

    assert told(ask).report["wrong"] == {"note unknown": "no answer (KeyError)"}


def test_given_a_regression_that_explodes_when_stressed_then_it_is_found_by_its_bounds() -> None:
    found = told(lambda columns: np.exp(np.nan_to_num(columns["income"]) / 50), (-1e6, 1e6))
    assert list(found.report["wrong"]) == ["income far above"]
    assert "an answer of 5.8e+14, far beyond those it learned from" in found.objections[0].replace("5.835", "5.8")


def test_given_many_findings_when_said_then_three_stand_for_all() -> None:
    found = told(lambda columns: np.full(len(columns["age"]), np.nan))
    assert len(found.objections) == 4 and found.objections[3] == "stress: so it is in 8 more cases, see gate.json"


@pytest.mark.parametrize("rows", [ROWS, {"age": np.array([30])}])
def test_given_no_case_when_stressed_then_the_model_is_not_asked(rows: Any) -> None:
    found = stress.of(rows, [], lambda _: pytest.fail("asked"), None, refuse=True)
    assert found.report["cases"] == [] and not found.objections
