"""When two answers of a model are the same."""

from __future__ import annotations

from typing import Any

import pytest

from aifactory_runtime.registry import answers


@pytest.mark.parametrize(
    ("found", "expected", "equal"),
    [
        ([1.0, 2.0], [1.0 + 1e-12, 2.0], 2),
        ([1e9, 2.0], [1e9 + 0.1, 2.5], 1),
        ([[0.1, 0.9], [0.2, 0.8]], [[0.1, 0.9], [0.3, 0.7]], 1),
        ([[0.1, 0.9]], [[0.1, 0.9, 0.0]], 0),
        (["a", 1, True], ["a", 1, 1], 2),
        ([float("nan")], [1.0], 0),
    ],
)
def test_given_answers_when_compared_then_equal_ones_are_counted(
    found: list[Any], expected: list[Any], equal: int
) -> None:
    assert answers.same(found, expected) == equal
