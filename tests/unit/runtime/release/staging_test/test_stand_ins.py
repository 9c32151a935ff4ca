"""The stand-ins of producer and consumer in staging: what they send is wrong, and what they rely on is noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.config import consumer as config
from aifactory_runtime.config.consumer import Consumer, Predictions
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.registry.model_folder import Column, InputSchema
from aifactory_runtime.release.staging_test import consumer, producer
from aifactory_runtime.serving.request_decoding import Refused, RowReader

GOOD = {"number": 1.5, "integer": 3, "boolean": True, "category": "a", "text": "some words", "date": "2026-01-31"}
ANSWER = {
    "predictions": ["a", "b"],
    "probabilities": [[0.5, 0.5], [0.25, 0.75]],
    "prediction_ids": ["1", "2"],
    "model_version": "4",
}


@st.composite
def schemas(draw: st.DrawFn) -> InputSchema:
    """Any mix of kinds under any names, nullable or not, one column at least."""
    names = draw(st.lists(st.text("abc .x_ä", min_size=1, max_size=5), min_size=1, max_size=6, unique=True))
    columns = []
    for name in [*names, "surprise"] if draw(st.booleans()) else names:
        kind = draw(st.sampled_from(sorted(GOOD)))
        categories = ("a", "b") if kind == "category" else None
        columns.append(Column(name, kind, draw(st.booleans()), categories=categories))  # type: ignore[arg-type]
    return InputSchema("target", tuple(columns), (), (0, 1))


@given(schema=schemas())
def test_given_any_schema_when_the_producer_does_wrong_then_the_service_refuses_each(schema: InputSchema) -> None:
    reader = RowReader(schema, max_rows=10)
    good = {column.name: GOOD[column.kind] for column in schema.columns}
    assert len(reader.predict(json.dumps({"rows": [good]}).encode()).records) == 1

    sent = list(producer.requests(schema, good))

    kinds = {column.kind for column in schema.columns}
    assert len(sent) >= 4 + len(kinds)
    for one in sent:
        if one.right == (422,):
            with pytest.raises(Refused):
                reader.predict(one.body)
        else:
            reader.predict(one.body)
    assert any(200 in one.right for one in sent) == ("date" in kinds)


def test_given_an_answer_as_agreed_when_checked_then_nothing_is_said() -> None:
    wanted = Predictions(values=("a", "b"), probabilities=True)

    assert consumer.broken_answer(ANSWER, 2, wanted) is None
    assert consumer.broken_answer({**ANSWER, "probabilities": None}, 2, Predictions()) is None


@pytest.mark.parametrize(
    ("change", "wanted", "says"),
    [
        ({"predictions": ["a"]}, Predictions(), "1 predictions for 2 rows"),
        ({"prediction_ids": None}, Predictions(), "0 prediction_ids for 2 rows"),
        ({"model_version": None}, Predictions(), "no model_version"),
        ({"probabilities": None}, Predictions(probabilities=True), "probabilities that are missing"),
        ({"probabilities": [[0.5, 0.5], [0.5, 0.6]]}, Predictions(probabilities=True), "do not add up"),
        ({}, Predictions(values=("a",)), "1 of 2 predictions are not among the 1 values"),
        ({"predictions": [0, 1]}, Predictions(values=(False, True)), "2 of 2 predictions"),
        ({"predictions": [0.5, 7.0]}, Predictions(minimum=0, maximum=1), "1 of 2 predictions are not numbers from 0"),
        ({}, Predictions(maximum=1), "2 of 2 predictions are not numbers"),
    ],
)
def test_given_an_answer_that_breaks_what_was_agreed_when_checked_then_it_is_said(
    change: dict[str, Any], wanted: Predictions, says: str
) -> None:
    assert says in str(consumer.broken_answer({**ANSWER, **change}, 2, wanted))


@given(found=st.lists(st.integers(-5, 5), max_size=8), low=st.integers(-5, 5), high=st.integers(-5, 5))
def test_given_any_numbers_when_held_against_limits_then_exactly_those_outside_are_counted(
    found: list[int], low: int, high: int
) -> None:
    said = consumer.broken_predictions(found, Predictions(minimum=low, maximum=high))

    outside = sum(not low <= one <= high for one in found)
    assert (said is None) == (outside == 0)
    assert said is None or said.startswith(f"{outside} of {len(found)} ")


def test_given_a_contract_file_when_read_then_mistakes_have_their_line(tmp_path: Path) -> None:
    assert config.load(tmp_path) is None
    (tmp_path / "conf").mkdir()
    path = tmp_path / config.FILE
    path.write_text("predictions:\n  values: [0, 1]\ncolumns: [prediction]\n")
    assert config.load(tmp_path) == Consumer(predictions=Predictions(values=(0, 1)), columns=("prediction",))
    path.write_text("predictions:\n  value: [0, 1]\n")
    with pytest.raises(UsageProblem, match=r"consumer\.yaml:2: predictions\.value: unknown key"):
        config.load(tmp_path)
