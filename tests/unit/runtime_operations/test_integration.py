"""Staging's integration test compares what the service answers with what the model says, of either problem."""

from __future__ import annotations

from typing import Any

import pytest

from aifactory_runtime.release.integration import Endpoint, run
from tests.unit.runtime_operations.serving_parts import ROW, SCHEMA


class Answering(Endpoint):
    """Answers what it was told to, and refuses a row that is none."""

    answer: dict[str, Any]

    def predict(self, body: bytes, token: str | None) -> tuple[int, dict[str, Any]]:
        assert token is None
        return (422, {}) if b"not" in body else (200, self.answer)


def checked(answer: dict[str, Any], expected: list[list[float]]) -> bool:
    endpoint = Answering("http://127.0.0.1:1", None)
    object.__setattr__(endpoint, "answer", answer)
    return all(check.passed for check in run(endpoint, SCHEMA, [ROW, ROW], expected))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"predictions": ["no", "yes"], "probabilities": [[0.75, 0.25], [0.25, 0.75]]}, [[0.75, 0.25], [0.25, 0.75]]),
        ({"predictions": [51_234.5, -3.0]}, [[51_234.5], [-3.0]]),
    ],
)
def test_given_equal_answers_when_tested_then_it_passes_and_fails_when_one_differs(
    answer: dict[str, Any], expected: list[list[float]]
) -> None:
    assert checked(answer, expected)
    assert not checked(answer, [expected[0], [value + 1e-3 for value in expected[1]]])
    assert not checked({"predictions": []}, expected)
