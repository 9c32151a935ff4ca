"""A line of the log: whatever the facts are, it is short, JSON, and read again as the same event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.events import event as events
from aifactory_runtime.events.event import Event

NOW = datetime(2027, 1, 15, 12, 30, tzinfo=UTC)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=60,
)


def line(facts: dict[str, Any], **fields: Any) -> bytes:
    return events.encode(Event(NOW, "gate_refused", "gate_refused", facts=facts, sequence=3, **fields))


@pytest.mark.heavy
@given(facts=st.dictionaries(st.text(), ANYTHING), key=st.text(), by=st.none() | st.text())
def test_given_any_facts_when_written_then_one_short_line_that_is_read_again(
    facts: dict[str, Any], key: str, by: str | None
) -> None:
    written = events.encode(Event(NOW, "k", events.key_of("k", key), facts=facts, by=by, until=NOW, sequence=7))

    assert written.endswith(b"\n") and written.count(b"\n") == 1 and len(written) <= events.MAX_LINE
    read = events.parse(written)
    assert (read.time, read.kind, read.key, read.until, read.sequence) == (NOW, "k", events.key_of("k", key), NOW, 7)
    json.loads(written, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_given_short_facts_when_written_then_nothing_of_them_is_cut() -> None:
    facts = {"reasons": ["worse than the baseline"], "p": 0.25, "refused": True, "rows": 12, "nothing": None}
    assert events.parse(line(facts)).facts == facts


def test_given_facts_that_are_too_long_when_written_then_they_are_cut_and_it_shows() -> None:
    read = events.parse(line({"reasons": ["x" * 5000] * 60})).facts
    assert read["reasons"][0] == "x" * 200 + " ..."
    assert read["reasons"][-1] == "... 50 more"


def test_given_facts_that_no_cut_makes_short_when_written_then_the_event_is_there_without_them() -> None:
    read = events.parse(line({f"{number}": {f"{n}": ["\U0001f600" * 99] * 9 for n in range(9)} for number in range(9)}))
    assert read.facts == {"left_out": "facts that are longer than a line"}


def test_given_numbers_that_json_does_not_know_when_written_then_they_are_texts_or_numbers() -> None:
    read = events.parse(line({"nan": float("nan"), "share": np.float64(0.5), "count": np.int64(4)})).facts
    assert read == {"nan": "nan", "share": 0.5, "count": "4"}


def test_given_long_subjects_that_begin_alike_when_keys_are_made_then_they_are_short_and_differ() -> None:
    one, other = (events.key_of("drift", "c" * 100 + end) for end in "ab")
    assert one != other and max(len(one), len(other)) <= 80


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"time":"2027-01-15T12:00:00+00:00","kind":"k","key":"k","state":"open","facts":{}}',
        b'{"time":"2027-01-15T12:00:00","kind":"k","key":"k","state":"open","facts":{},"sequence":1}',
        b'{"time":"yesterday","kind":"k","key":"k","state":"open","facts":{},"sequence":1}',
        b'{"time":"2027-01-15T12:00:00+00:00","kind":"k","key":"k","state":"open","facts":{},"sequence":0}',
        b'{"time":"2027-01-15T12:00:00+00:00","kind":"k","key":"k","state":"open","facts":3,"sequence":1}',
        b'{"time":"2027-01-15T12:00:00+00:00","kind":["k"],"key":"k","state":"open","facts":{},"sequence":1}',
    ],
)
def test_given_what_is_no_event_when_read_then_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        events.parse(text)


def test_given_keys_of_a_newer_runtime_when_read_then_the_event_is_taken_without_them() -> None:
    newer = json.loads(line({"run": "a"})) | {"site": "north"}
    assert events.parse(json.dumps(newer).encode()) == events.parse(line({"run": "a"}))
