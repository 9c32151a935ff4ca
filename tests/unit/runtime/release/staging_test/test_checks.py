"""Staging's integration test compares what the service answers with what the model says, of either problem."""

from __future__ import annotations

from typing import Any

import pytest

from aifactory_runtime.release.staging_test import online
from aifactory_runtime.release.staging_test.checks import Endpoint
from tests.unit.runtime.serving_parts import ROW, SCHEMA


class Answering(Endpoint):
    """Answers what it was told to, and refuses a row that is none."""

    answer: dict[str, Any]

    def predict(self, body: bytes, token: str | None) -> tuple[int, dict[str, Any]]:
        assert token is None
        return (422, {}) if b"not" in body else (200, self.answer)


def checked(answer: dict[str, Any], offline: dict[str, Any]) -> bool:
    endpoint = Answering("http://127.0.0.1:1", None)
    object.__setattr__(endpoint, "answer", answer)
    checks = online.run(endpoint, SCHEMA, {"rows": [ROW, ROW], **offline}, None)
    return next(check.passed for check in checks if check.name.startswith("the source's rows"))


@pytest.mark.parametrize(
    ("status", "columns", "passed"),
    [(200, {"a": 0.5, "b": -0.25}, True), (200, {"a": 0.5, "b": -0.2}, False), (503, {}, True), (500, {}, False)],
)
def test_given_an_explanation_when_asked_for_then_its_values_must_sum_to_the_answer(
    status: int, columns: dict[str, float], passed: bool
) -> None:
    class Explaining(Endpoint):
        def explain(self, body: bytes, token: str | None) -> tuple[int, dict[str, Any]]:
            assert b"east" in body and token is None
            one = {"answer": 0.75, "background_mean": 0.5, "columns": columns}
            return status, {"explanations": [one]} if status == 200 else {}

    assert online.explained(Explaining("http://127.0.0.1:1", None), ROW).passed == passed


@pytest.mark.parametrize(("slow", "passed"), [(4, True), (12, False)])
def test_given_a_limit_for_one_row_when_timed_then_the_median_decides_and_only_a_slow_one_tells_times(
    slow: int, passed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])

    class Slow(Endpoint):
        def predict(self, body: bytes, token: str | None) -> tuple[int, dict[str, Any]]:
            assert b"east" in body and token is None
            clock[0] += 0.5 if next(calls) < slow else 0.001
            return 200, {}

    calls = iter(range(99))
    found = online.in_time(Slow("http://127.0.0.1:1", None), ROW, 50.0)
    assert found.passed == passed
    assert found.name == "one row is answered within 50 ms (gate.limits.latency_ms)"
    assert found.found == ("it is" if passed else "the median is 500 ms")


SHARES = [[0.75, 0.25], [0.25, 0.75]]
FIGURES = [51_234.5, -3.0]


@pytest.mark.parametrize(
    ("answer", "offline", "other"),
    [
        (
            {"predictions": ["no", "yes"], "probabilities": SHARES},
            {"predictions": ["no", "yes"], "probabilities": SHARES},
            {"predictions": ["no", "yes"], "probabilities": [SHARES[0], [0.251, 0.749]]},
        ),
        (
            {"predictions": FIGURES},
            {"predictions": FIGURES, "probabilities": None},
            {"predictions": [51_234.5, -3.001], "probabilities": None},
        ),
    ],
)
def test_given_equal_answers_when_tested_then_it_passes_and_fails_when_one_differs(
    answer: dict[str, Any], offline: dict[str, Any], other: dict[str, Any]
) -> None:
    assert checked(answer, offline)
    assert not checked(answer, other)
    assert not checked({"predictions": []}, offline)
