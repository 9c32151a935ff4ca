"""Cron expressions: what cron understands is accepted, everything else refused with a sentence of ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.contract import cron

LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


@st.composite
def fields(draw: st.DrawFn) -> str:
    """Lists of numbers, ranges and stars within the limits, with steps; days that every month has."""
    found = []
    for lowest, highest in LIMITS:
        low = draw(st.integers(lowest, min(highest, 28)))
        item = draw(st.sampled_from(["*", str(low), f"{low}-{draw(st.integers(low, highest))}"]))
        step = draw(st.sampled_from(["", f"/{draw(st.integers(1, 99))}"]))
        found.append(",".join([item + step] * draw(st.integers(1, 3))))
    return " ".join(found)


@given(schedule=fields())
def test_given_numbers_ranges_steps_and_lists_when_checked_then_they_stay_as_they_are(schedule: str) -> None:
    assert cron.check(schedule) == schedule


@pytest.mark.parametrize("schedule", ["0 3 * * MON", "0 3 L * *", "0 3 29 2 *", "0 3 31 1,3 *", "0 3 * jan-mar 1#2"])
def test_given_what_cron_understands_too_when_checked_then_accepted(schedule: str) -> None:
    assert cron.check(schedule) == schedule


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        ("", "five cron fields"),
        ("daily", "five cron fields"),
        ("0 0 3 * * 1", "five cron fields"),
        ("60 3 * * 1", "60 is no minute; use 0 to 59"),
        ("0 24 * * 1", "24 is no hour"),
        ("0 3 0 * *", "0 is no day; use 1 to 31"),
        ("0 3 32 * *", "32 is no day"),
        ("0 3 * 13 *", "13 is no month"),
        ("0 3 * * 8", "8 is no weekday"),
        ("0 3 * * 5-1", "5-1 is no weekday"),
        ("*/0 3 * * *", r"\*/0 is no minute"),
        (f"*/{'9' * 5000} 3 * * *", "is no minute"),
        ("0 3 30 2 *", "no 30 is a day of month 2, so it never comes"),
        ("0 3 31 4,6 *", "never comes"),
    ],
)
def test_given_what_never_comes_or_is_no_cron_when_checked_then_a_sentence_says_what_would_be_right(
    schedule: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        cron.check(schedule)


@given(text=st.text("0123456789*/-,#LWMONJAN٣ ", max_size=20))
def test_given_any_text_when_checked_then_it_is_accepted_or_refused_in_one_line(text: str) -> None:
    try:
        assert cron.check(text) == text
    except ValueError as refused:
        assert str(refused).startswith("schedule")
