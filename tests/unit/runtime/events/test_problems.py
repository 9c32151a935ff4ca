"""From events to problems: opened once, counted, closed; the same whatever is told twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.events.event import ACKNOWLEDGED, CLOSED, OPEN, SILENCED, Event
from aifactory_runtime.events.problems import Problem, fold

START = datetime(2027, 1, 1, tzinfo=UTC)


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def history(*said: tuple[float, str] | tuple[float, str, dict[str, Any]], key: str = "k") -> list[Event]:
    """Events of one problem: hour, state, further fields."""
    made = []
    for number, (hour, state, *more) in enumerate(said, start=1):
        made.append(Event(at(hour), "k", key, state, sequence=number, **(more[0] if more else {})))
    return made


def problem(*said: tuple[float, str] | tuple[float, str, dict[str, Any]]) -> Problem:
    return fold(history(*said)).by_key["k"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from([OPEN, CLOSED, ACKNOWLEDGED, SILENCED, "said by a newer runtime"]),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 50),
        st.none() | st.integers(0, 50),
        st.booleans(),
    ),
    max_size=25,
)


def told(steps: list[tuple[str, str, int, int | None, bool]]) -> list[Event]:
    """Events with clocks that jump; some are files of an older runtime."""
    made, sequence = [], 0
    for number, (state, key, hour, until, is_file) in enumerate(steps):
        end = None if until is None else at(until)
        if is_file:
            made.append(Event(at(hour), "k", key, OPEN, until=end, file=f"{number}.json"))
            continue
        sequence += 1
        made.append(Event(at(hour), "k", key, state, until=end, by="ana", sequence=sequence))
    return made


@given(steps=STEPS, data=st.data())
def test_given_any_events_when_told_again_then_the_problems_are_the_same(
    steps: list[tuple[str, str, int, int | None, bool]], data: st.DataObject
) -> None:
    events = told(steps)
    once = fold(events)
    cut = data.draw(st.integers(0, len(events)))
    again = data.draw(st.integers(0, cut))

    assert fold(events + events) == once
    assert fold(events, once) == once
    assert fold(events[again:], fold(events[:cut])) == once


@given(steps=STEPS)
def test_given_any_events_when_folded_then_counts_are_those_of_what_was_found_and_keys_do_not_mix(
    steps: list[tuple[str, str, int, int | None, bool]],
) -> None:
    events = told(steps)
    found = fold(events)
    for key in "abc":
        own = [one for one in events if one.key == key]
        assert (key in found.by_key) is any(one.state == OPEN for one in own)
        if key in found.by_key:
            assert fold(own).by_key[key] == found.by_key[key]
            assert 1 <= found.by_key[key].count <= sum(one.state == OPEN for one in own)
    assert {one.key for one in found.open(at(25))} <= set(found.by_key)


def test_given_a_problem_that_is_found_again_when_folded_then_opened_once_and_counted() -> None:
    found = problem((0, OPEN, {"facts": {"run": "a"}}), (1, OPEN), (2, OPEN, {"facts": {"run": "c"}}))
    assert (found.opened, found.last, found.count, found.openings) == (at(0), at(2), 3, 1)
    assert found.facts == {"run": "c"}
    assert (found.ended(at(3)), found.state(at(3))) == (None, OPEN)


def test_given_a_problem_that_is_over_when_folded_then_closed_by_itself_and_a_second_end_changes_nothing() -> None:
    found = problem((0, OPEN), (1, CLOSED), (2, CLOSED, {"by": "ana"}))
    assert (found.ended(at(3)), found.closed_by, found.state(at(3))) == (at(1), None, CLOSED)


def test_given_a_problem_that_comes_back_when_folded_then_it_opens_anew_and_what_was_learnt_stays() -> None:
    learnt = {"by": "ana", "facts": {"caught_by": "a test", "note": "old"}}
    found = problem((0, OPEN), (1, ACKNOWLEDGED, learnt), (2, OPEN), (3, CLOSED), (4, OPEN))
    assert (found.opened, found.count, found.openings) == (at(4), 1, 2)
    assert (found.acknowledged_by, found.note, found.caught_by) == (None, None, "a test")
    assert fold(history((0, OPEN), (1, CLOSED), (2, OPEN))).open(at(3)) != []


def test_given_an_end_when_it_has_come_then_the_problem_is_over_without_an_event() -> None:
    found = problem((0, OPEN, {"until": at(10)}))
    assert (found.state(at(9)), found.state(at(10)), found.ended(at(11))) == (OPEN, CLOSED, at(10))
    early = problem((0, OPEN, {"until": at(10)}), (5, CLOSED))
    assert early.ended(at(11)) == at(5)
    again = problem((0, OPEN, {"until": at(10)}), (11, OPEN, {"until": at(20)}))
    assert (again.openings, again.count, again.state(at(12))) == (2, 1, OPEN)


def test_given_an_acknowledged_problem_when_it_is_found_again_then_it_stays_acknowledged() -> None:
    found = problem((0, OPEN), (1, ACKNOWLEDGED, {"by": "ana", "facts": {"note": "on it"}}), (2, OPEN))
    assert (found.state(at(3)), found.acknowledged_by, found.note, found.count) == (ACKNOWLEDGED, "ana", "on it", 2)


def test_given_a_silenced_problem_when_the_time_is_over_then_it_is_told_of_again() -> None:
    found = problem((0, OPEN), (1, SILENCED, {"by": "ana", "until": at(5)}), (2, CLOSED), (3, OPEN))
    assert (found.state(at(4)), found.silenced_by, found.state(at(5))) == (SILENCED, "ana", OPEN)


def test_given_words_about_what_never_happened_when_folded_then_there_is_no_problem() -> None:
    assert fold(history((0, CLOSED), (1, ACKNOWLEDGED), (2, SILENCED), (3, "newer"))).by_key == {}


def test_given_several_when_open_ones_are_asked_for_then_the_longest_comes_first() -> None:
    events = [
        Event(at(hour), "k", key, state, sequence=number)
        for number, (hour, key, state) in enumerate(
            [(2, "late", OPEN), (1, "early", OPEN), (1, "over", OPEN), (3, "over", CLOSED)], start=1
        )
    ]
    assert [one.key for one in fold(events).open(at(4))] == ["early", "late"]
