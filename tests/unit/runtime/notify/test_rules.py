"""What is told when: once when a problem opens, each day, at its end; problems of one kind together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aifactory_runtime.events.problems import Problem
from aifactory_runtime.notify import rules
from aifactory_runtime.notify.rules import Told

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TWENTY = [Problem(f"drift:c{number:02}", "drift", NOW, NOW) for number in range(20)]
SOON = timedelta(minutes=1)


class Listener:
    """Somebody who is told what is due, and remembers it."""

    def __init__(self) -> None:
        self.told: dict[str, Told] = {}

    def hears(self, problems: list[Problem], now: datetime) -> list[tuple[str, int]]:
        due = rules.due(problems, self.told, NOW, now)
        for one in due:
            self.told |= rules.known_after(one, now)
        return [(one.what, len(one.problems)) for one in due]


def test_given_twenty_drifting_columns_when_told_then_it_is_one_message_then_one_a_day_and_one_at_the_end() -> None:
    listener = Listener()
    assert listener.hears(TWENTY, NOW) == [("opened", 20)]
    assert listener.hears(TWENTY, NOW + SOON) == []
    assert listener.hears(TWENTY, NOW + DAY - SOON) == []
    assert listener.hears(TWENTY, NOW + DAY) == [("open", 20)]
    assert listener.hears(TWENTY, NOW + DAY + SOON) == []

    over = [Problem(one.key, one.kind, NOW, NOW, closed=NOW + DAY) for one in TWENTY]

    assert listener.hears(over, NOW + 2 * DAY) == [("over", 20)]
    assert listener.hears(over, NOW + 4 * DAY) == []


def test_given_problems_that_opened_at_different_hours_when_one_is_due_then_all_of_its_kind_are_reminded_of() -> None:
    listener = Listener()
    later = Problem("drift:late", "drift", NOW + HOUR, NOW + HOUR)
    other = Problem("service_down", "service_down", NOW + HOUR, NOW + HOUR)
    listener.hears(TWENTY, NOW)
    assert listener.hears([*TWENTY, later, other], NOW + HOUR) == [("opened", 1), ("opened", 1)]
    assert listener.hears([*TWENTY, later, other], NOW + DAY) == [("open", 21)]
    assert listener.hears([*TWENTY, later, other], NOW + DAY + HOUR) == [("open", 1)]


def test_given_a_silenced_problem_then_it_is_told_only_when_the_silence_is_over() -> None:
    silent = [Problem("drift:a", "drift", NOW, NOW, silenced_until=NOW + DAY)]
    gone = [Problem("drift:a", "drift", NOW, NOW, silenced_until=NOW + DAY, closed=NOW + HOUR)]
    assert Listener().hears(silent, NOW) == []
    assert Listener().hears(silent, NOW + DAY) == [("opened", 1)]
    assert Listener().hears(gone, NOW + DAY) == [], "nobody wanted to know of it while it was there"


def test_given_a_problem_that_came_and_went_then_it_is_told_once_unless_that_was_before_telling_began() -> None:
    listener = Listener()
    gone = [Problem("drift:a", "drift", NOW + HOUR, NOW + HOUR, closed=NOW + HOUR)]
    before = [Problem("drift:b", "drift", NOW - DAY, NOW - DAY, closed=NOW - HOUR)]
    assert listener.hears([*gone, *before], NOW + DAY) == [("passed", 1)]
    assert listener.hears([*gone, *before], NOW + DAY) == []


def test_given_a_problem_that_opens_again_then_it_is_a_new_one() -> None:
    listener = Listener()
    listener.hears([Problem("drift:a", "drift", NOW, NOW)], NOW)
    again = [Problem("drift:a", "drift", NOW + HOUR, NOW + HOUR, openings=2)]
    assert listener.hears(again, NOW + HOUR) == [("opened", 1)]


def test_given_a_clock_that_went_back_then_people_are_reminded_all_the_same() -> None:
    listener = Listener()
    listener.hears(TWENTY, NOW + 300 * DAY)
    assert listener.hears(TWENTY, NOW + HOUR) == [("open", 20)]


def test_given_problems_when_nothing_happens_then_the_next_telling_is_a_reminder_or_an_end_by_the_clock() -> None:
    told = {"drift:a": Told(NOW, False, NOW + HOUR)}
    known = Problem("drift:a", "drift", NOW, NOW)
    silent = Problem("drift:b", "drift", NOW, NOW, silenced_until=NOW + 3 * HOUR)
    ends = Problem("quota_used_up", "quota_used_up", NOW, NOW, until=NOW + 2 * HOUR)
    over = Problem("drift:a", "drift", NOW, NOW, closed=NOW + HOUR)

    assert rules.next_due([known], told, NOW + HOUR) == NOW + HOUR + DAY
    assert rules.next_due([known, silent], told, NOW + HOUR) == NOW + 3 * HOUR
    assert rules.next_due([known, silent, ends], told, NOW + HOUR) == NOW + 2 * HOUR
    assert rules.next_due([over], told, NOW + HOUR) is None
    assert rules.next_due([], told, NOW) is None
