"""The box: what still counts survives a full file, a torn line and a damaged one; pauses grow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aifactory_runtime.notify import outbox, turns
from aifactory_runtime.notify.message import Message
from aifactory_runtime.notify.outbox import Failure, Outbox, State
from aifactory_runtime.notify.rules import Told

NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def message(name: str) -> Message:
    content = {"time": "t", "use_case": "u", "environment": "prod", "kind": "drift", "severity": "warning"}
    return Message(
        id=name, what="opened", title=name, problems=("p",), keys=("k",), count=1, what_to_do="look", **content
    )


def lines(refused: bool = False) -> list[outbox.Line]:
    """Two messages for two channels: the chat has failed with the first, the log has both."""
    told = {"drift:a": Told(NOW, over=False, time=NOW)}
    return [
        outbox.began(NOW),
        outbox.queued(message("a"), told, ["chat", "log"], NOW),
        outbox.queued(message("b"), {}, ["chat", "log"], NOW),
        outbox.failed("a", "chat", Failure(3, NOW, refused, "answered 404")),
        *(outbox.delivered(name, "log", NOW) for name in "ab"),
    ]


def ready(state: State, moment: datetime) -> list[str]:
    return [one.message.id for one in turns.ready(state, "chat", moment)]


def test_given_failures_then_pauses_grow_to_an_hour_and_no_further() -> None:
    minutes = [turns.pause(count) / MINUTE for count in (1, 2, 3, 6, 7, 100_000)]
    assert minutes == [1, 2, 4, 32, 60, 60]


def test_given_a_channel_that_does_not_answer_then_all_wait_behind_the_oldest_and_a_refused_one_is_passed_by() -> None:
    dead, refused = outbox.fold(lines()), outbox.fold(lines(refused=True))
    assert (ready(dead, NOW + MINUTE), ready(refused, NOW + MINUTE)) == ([], ["b"])
    assert ready(dead, NOW - HOUR)[:1] == ["a"], "a clock that went back holds nothing up"
    assert ready(refused, NOW + 4 * MINUTE) == ["a", "b"]


def test_given_what_cannot_be_delivered_then_it_is_given_up_after_a_month_or_with_its_channel() -> None:
    state = outbox.fold(lines())
    late = NOW + turns.KEPT + MINUTE
    assert turns.hopeless(state, {"chat"}, NOW + turns.KEPT) == []
    assert [(one.message.id, name) for one, name, _ in turns.hopeless(state, {"chat"}, late)] == [("a", "chat")]
    assert [one.message.id for one, _, _ in turns.hopeless(state, set(), NOW)] == ["a", "b"]


def test_given_a_full_file_when_shortened_also_if_killed_before_older_ones_went_then_the_same_still_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SEGMENT_BYTES", 200)
    box = Outbox(tmp_path)
    for line in lines():
        box.append(line)
    before = sorted(box.folder.glob("outbox-*"))
    state, _ = box.read()
    for line in outbox.whole(state):  # as one does who is killed before the older files are gone
        box.append(line)
    assert box.read() == (state, [])

    box.shorten(state)

    assert box.read() == (state, []) == (outbox.fold(lines()), [])
    assert not any(path.exists() for path in before)
    assert all(path.stat().st_mode & 0o077 == 0 for path in box.folder.glob("outbox-*"))


def test_given_a_damaged_line_then_it_is_named_and_a_torn_one_is_cut_off(tmp_path: Path) -> None:
    box = Outbox(tmp_path)
    for line in lines():
        box.append(line)
    path = next(box.folder.glob("outbox-*"))
    path.write_bytes(path.read_bytes().replace(b'"delivered"', b'"deli', 1) + b'{"torn')
    box.append(outbox.delivered("a", "chat", NOW))
    state, damaged = box.read()
    assert [line.partition(": ")[2][:6] for line in damaged] == ["line 5"]
    assert b"torn" not in path.read_bytes()
    assert list(state.waiting["a"].channels) == ["log"], "what is not known to have arrived is sent again"
