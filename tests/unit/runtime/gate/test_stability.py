"""Explanations in other orders: of an additive model they are the same, of one that they depend on it is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aifactory_runtime.gate import stability

NAMES = [f"c{place}" for place in range(12)]
DRAW = np.random.default_rng(0)
BACKGROUND = {name: DRAW.normal(size=20) for name in NAMES}
GIVEN = [{name: DRAW.normal(size=1) for name in NAMES} for _ in range(5)]


def told(score: Any, least: float | None = None, background: Any = BACKGROUND) -> Any:
    return stability.of(GIVEN, background, lambda _: score, len(NAMES), least)


def values(columns: Any) -> Any:
    return np.stack([columns[name] for name in NAMES], axis=1)


def test_given_a_linear_model_when_explained_twice_then_both_say_the_same() -> None:
    found = told(lambda columns: values(columns) @ np.arange(12), 0.99)
    assert found.report["agreement"] == pytest.approx(1.0) and found.report["rows"] == 5
    assert not found.objections and not found.remarks


def test_given_answers_that_hang_on_all_columns_at_once_when_explained_then_it_is_said_or_refused() -> None:
    def score(columns: Any) -> Any:
        return np.prod(np.sign(values(columns)), axis=1)

    found = told(score)
    assert found.report["agreement"] < 0.9
    assert found.remarks[0].endswith("they depend on chance") and not found.objections
    [reason] = told(score, 0.95).objections
    assert "explanations of the same rows in other orders agree by 0." in reason and "at least 0.95" in reason


def test_given_no_background_or_rows_that_cannot_be_mixed_when_asked_then_it_is_said() -> None:
    assert told(values, background={}).report["notes"] == [stability.NOT_EXPLAINED]

    def raises(_: Any) -> Any:
        raise ValueError("infinite")

    found = told(raises, 0.9)
    assert found.report["agreement"] is None and "cannot be mixed" in found.report["notes"][0] and not found.objections


def test_given_constant_answers_when_compared_then_they_agree() -> None:
    nothing = np.zeros((2, 3))
    assert stability.agree(nothing, nothing) == 1.0
    assert stability.agree(nothing, nothing + 1.0) == 0.0
    assert stability.agree(np.eye(3), -np.eye(3)) == pytest.approx(-1.0)


def test_given_many_columns_then_fewer_rows_are_explained() -> None:
    assert [stability.rows(columns) for columns in (4, 60, 500)] == [10, 5, 2]
