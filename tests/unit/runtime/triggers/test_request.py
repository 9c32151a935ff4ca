"""Requests as they stand after the lines of their log, in memory and on disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aifactory_runtime.events.event import Event
from aifactory_runtime.triggers import log
from aifactory_runtime.triggers import request as requests
from aifactory_runtime.triggers.request import Ask, Fingerprint, Requests, fold

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
MADE = Fingerprint("d1", "s1")


def line(hour: int, state: str, subject: str = "a", by: str | None = None, **facts: Any) -> Event:
    ask = Ask("message", subject, "ana", "new prices", facts)
    return Event(NOW + timedelta(hours=hour), "message", ask.key, state, {"why": "new prices", **facts}, by=by)


def came_to(*outcomes: str) -> Requests:
    """One request after the other, each done with one of `outcomes`."""
    events = []
    for hour, outcome in enumerate(outcomes):
        facts: dict[str, Any] = MADE.values() | {"outcome": outcome, "version": 4}
        events += [line(hour, requests.ASKED, str(hour)), line(hour, requests.DONE, str(hour), **facts)]
    return fold(events)


def test_given_a_request_when_asked_approved_begun_and_done_then_it_ends_once_and_says_who_and_what() -> None:
    found = fold(
        [
            line(0, requests.ASKED, by="ana"),
            line(1, requests.ASKED, by="bo"),
            line(2, requests.APPROVED, by="vera"),
            line(3, requests.BEGAN, **MADE.values()),
            line(4, requests.BEGAN, **MADE.values()),
            line(5, requests.DONE, outcome=requests.REGISTERED, version=7),
            line(6, requests.REFUSED, by="bo"),
            line(7, "something newer"),
        ]
    )
    (one,) = found.by_key.values()
    assert (one.who, one.why, one.approved_by, one.outcome, one.version) == (
        "ana",
        "new prices",
        "vera",
        "registered",
        7,
    )
    assert (one.fingerprint, len(one.began), one.ended) == (MADE, 2, NOW + timedelta(hours=5))
    assert found.pending() == [] and found.last_began() == NOW + timedelta(hours=4)


def test_given_refused_candidates_when_counted_then_a_registered_one_or_a_closed_task_begins_anew() -> None:
    gate, good = requests.BY_GATE, requests.REGISTERED
    assert came_to(gate, gate, requests.FAILED, requests.SAME, gate).refusals() == 3
    assert came_to(gate, gate, good, gate).refusals() == 1
    assert came_to(gate, *[requests.NOTHING_GAINED] * 3).refusals() == 1, "none of them was refused"
    assert came_to(gate, gate, gate, gate).refusals(since=NOW + timedelta(hours=2)) == 1


def test_given_what_was_trained_when_asked_for_the_same_then_it_is_found_unless_it_failed_or_cannot_be_told() -> None:
    assert came_to(requests.BY_GATE).same(MADE) is not None
    assert came_to(requests.NOTHING_GAINED).same(MADE) is not None
    assert came_to(requests.FAILED).same(MADE) is None
    assert came_to(requests.REGISTERED).same(Fingerprint("d2", "s1")) is None
    assert came_to(requests.REGISTERED).same(Fingerprint(None, "s1")) is None


def test_given_the_log_when_the_same_is_asked_again_or_was_seen_before_then_there_is_one_request(
    tmp_path: Path,
) -> None:
    asked = Ask("new-data", "0a1b", "the tick", "the table has changed")
    assert log.ask(tmp_path, asked) and not log.ask(tmp_path, asked)
    log.see(tmp_path, "training-code", Ask("training-code", "77", "", "").key, NOW)
    assert not log.ask(tmp_path, Ask("training-code", "77", "the tick", "other code"))

    found = log.read(tmp_path)

    assert [one.key for one in found.pending()] == ["new-data:0a1b"]
    assert found.has_seen("training-code") and found.has_seen("new-data") and not found.has_seen("drift")


def test_given_drifts_of_a_cause_when_one_follows_then_it_asks_again_once_the_request_before_it_is_over() -> None:
    def drift(hour: int, state: str) -> Event:
        ask = Ask("drift", "a", "the monitor", "age drifts", {"cause": "changed behaviour"})
        return Event(NOW + timedelta(hours=hour), "drift", ask.key, state, {"why": ask.why, **ask.facts})

    waits = fold([drift(0, requests.ASKED)])
    over = fold([drift(0, requests.ASKED), drift(2, requests.REFUSED)])
    before, after = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    assert waits.has_asked_for("changed behaviour", before) and waits.has_asked_for("changed behaviour", after)
    assert over.has_asked_for("changed behaviour", before) and not over.has_asked_for("changed behaviour", after)
    assert not waits.has_asked_for("data fault", before)
