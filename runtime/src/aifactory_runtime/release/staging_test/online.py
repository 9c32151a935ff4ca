"""Integration test of a scoring service: asked as its consumer asks, and by a producer that does things wrong."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aifactory_runtime.config.consumer import Consumer
from aifactory_runtime.registry import answers
from aifactory_runtime.registry.model_folder import InputSchema
from aifactory_runtime.release.staging_test import consumer as consumers
from aifactory_runtime.release.staging_test import producer
from aifactory_runtime.release.staging_test.checks import Check, Endpoint

EXAMPLE = "consumer: its example request"
EXPLAINED = "an answer is explained, by values that sum to it"
_OK, _UNAUTHORIZED = 200, 401
_NOT_HAD = (422, 503)
_SUM_TOLERANCE = 1e-6
_TIMED = 21


def run(endpoint: Endpoint, schema: InputSchema, offline: Mapping[str, Any], relied: Consumer | None) -> list[Check]:
    """Checks of a service that is up. `offline` holds rows and what the released code says of them without it."""
    rows = offline["rows"]
    checks = [_same_scores(endpoint, offline), _twice(endpoint, rows[0])]
    for sent in producer.requests(schema, rows[0]):
        status, _ = endpoint.predict(sent.body, endpoint.token)
        checks.append(Check(f"producer sends {sent.name}", status in sent.right, f"status {status}"))
    if endpoint.token is not None:
        status, _ = endpoint.predict(_body(rows[:1]), None)
        checks.append(Check("a caller without a token is refused", status == _UNAUTHORIZED, f"status {status}"))
    checks.extend(_relied(endpoint, rows, relied or Consumer()))
    return checks


def example(endpoint: Endpoint, body: bytes, relied: Consumer) -> Check:
    """The consumer's own example request."""
    status, answer = endpoint.predict(body, endpoint.token)
    rows = len(answer.get("predictions") or ()) or 1
    broken = f"status {status}" if status != _OK else consumers.broken_answer(answer, rows, relied.predictions)
    return Check(EXAMPLE, broken is None, broken or f"{rows} rows answered")


def explained(endpoint: Endpoint, row: Mapping[str, Any]) -> Check:
    """An explanation of the answer to a row, asked of a model that keeps background rows.

    That it cannot be had in the time that conf gives, or for this row, is said and no failure: it stops no prediction.
    """
    status, answer = endpoint.explain(_body([row]), endpoint.token)
    if status != _OK:
        return Check(EXPLAINED, status in _NOT_HAD, f"status {status}")
    one = answer["explanations"][0]
    total = one["background_mean"] + sum(one["columns"].values())
    summed = math.isclose(total, one["answer"], rel_tol=_SUM_TOLERANCE, abs_tol=_SUM_TOLERANCE)
    return Check(EXPLAINED, summed, "they do" if summed else "they do not")


def in_time(endpoint: Endpoint, row: Mapping[str, Any], most_ms: float) -> Check:
    """One row after the other is answered within so many milliseconds, by the median of 21.

    The report of a service that is fast enough has no times: it is the same when the test is repeated.
    """
    took = []
    for _ in range(_TIMED):
        began = time.perf_counter()
        endpoint.predict(_body([row]), endpoint.token)
        took.append(1_000 * (time.perf_counter() - began))
    median = statistics.median(took)
    name = f"one row is answered within {most_ms:g} ms (gate.limits.latency_ms)"
    return Check(name, median <= most_ms, "it is" if median <= most_ms else f"the median is {median:.3g} ms")


def _same_scores(endpoint: Endpoint, offline: Mapping[str, Any]) -> Check:
    """Probabilities where the model has them: they say more than labels."""
    name = "the source's rows over HTTP score as they do offline"
    status, answer = endpoint.predict(_body(offline["rows"]), endpoint.token)
    if status != _OK:
        return Check(name, False, f"status {status}")
    key = "predictions" if offline["probabilities"] is None else "probabilities"
    got, expected = answer.get(key) or [], offline[key]
    if len(got) != len(expected):
        return Check(name, False, f"{len(got)} answers for {len(expected)} rows")
    equal = answers.same(got, expected)
    return Check(name, equal == len(expected), f"{equal} of {len(expected)} rows")


def _twice(endpoint: Endpoint, row: Mapping[str, Any]) -> Check:
    """A row that is sent twice is scored twice: same answer, an id of its own for each."""
    status, answer = endpoint.predict(_body([row, row]), endpoint.token)
    if status != _OK:
        return Check("producer sends a row twice", False, f"status {status}")
    predictions, ids = answer.get("predictions") or [], answer.get("prediction_ids") or []
    passed = len(predictions) == len(set(ids)) == 2 and predictions[0] == predictions[1]  # noqa: PLR2004
    return Check("producer sends a row twice", passed, f"{len(predictions)} answers, {len(set(ids))} ids")


def _relied(endpoint: Endpoint, rows: Sequence[Mapping[str, Any]], relied: Consumer) -> Iterator[Check]:
    status, answer = endpoint.predict(_body(rows), endpoint.token)
    broken = f"status {status}" if status != _OK else consumers.broken_answer(answer, len(rows), relied.predictions)
    yield Check("consumer: answers are as it relies on", broken is None, broken or f"{len(rows)} rows")


def _body(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps({"rows": list(rows)}).encode()
