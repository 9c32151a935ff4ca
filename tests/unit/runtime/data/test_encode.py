"""Helpers for features: dates, texts and rare values become numbers, each row on its own, missing ones included."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.data.encode import date_parts, text_parts, top_values


def dates(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[us]")


def test_given_a_date_when_taken_apart_then_each_part_is_a_number() -> None:
    found = date_parts("due", dates("2026-02-01T18:30:00", "NaT"))
    assert {name: values[0] for name, values in found.items()} == {
        "due_year": 2026,
        "due_month": 2,
        "due_weekday": 6,
        "due_hour": 18,
        "due_days": (datetime(2026, 2, 1, 18, 30) - datetime(1970, 1, 1)).total_seconds() / 86_400,
    }
    assert all(values.dtype == np.float64 and np.isnan(values[1]) for values in found.values())


@given(st.datetimes(datetime(1700, 1, 1), datetime(2300, 1, 1)))
def test_given_any_date_when_taken_apart_then_the_calendar_agrees(date: datetime) -> None:
    found = {name: values[0] for name, values in date_parts("d", dates(date.isoformat())).items()}
    assert (found["d_year"], found["d_month"], found["d_hour"]) == (date.year, date.month, date.hour)
    assert found["d_weekday"] == date.weekday()


def test_given_texts_when_counted_then_words_fall_in_the_same_place_whatever_their_case() -> None:
    found = text_parts("note", np.array(["Two words", "WORDS two words", None, ""], dtype=object), buckets=8)
    assert list(found["note_length"]) == [9, 15, 0, 0]
    assert list(found["note_words"]) == [2, 3, 0, 0]
    counts = np.array([found[f"note_word_{place}"] for place in range(8)])
    assert list(counts.sum(axis=0)) == [2, 3, 0, 0]
    assert np.array_equal(counts[:, 0] > 0, counts[:, 1] > 0)


@pytest.mark.heavy
def test_given_a_text_when_counted_by_another_process_then_the_place_is_the_same() -> None:
    program = (
        "import numpy as np; from aifactory_runtime.data.encode import text_parts;"
        "print([list(v) for v in text_parts('n', np.array(['ä b c d'], dtype=object)).values()])"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, check=True, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert found[0] == found[1]


@given(st.lists(st.none() | st.text(), min_size=1, max_size=6))
def test_given_any_texts_when_counted_then_a_row_does_not_depend_on_those_beside_it(texts: list[str | None]) -> None:
    together = text_parts("n", np.array(texts, dtype=object), buckets=4)
    alone = [text_parts("n", np.array([text], dtype=object), buckets=4) for text in texts]
    assert all(list(values) == [one[name][0] for one in alone] for name, values in together.items())


def test_given_rare_values_when_grouped_then_known_and_missing_ones_stay() -> None:
    found = top_values(np.array(["a", "b", None, "other"], dtype=object), ("a",))
    assert found.dtype == object
    assert list(found) == ["a", "other", None, "other"]
