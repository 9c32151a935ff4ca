"""What is anchored of an audit log is in it, or the first line that is not is named; a restore explains itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime.audit import anchors, log
from aifactory_runtime.registry.port import Head


def written(folder: Path, actions: list[str], **facts: Any) -> list[dict[str, Any]]:
    """A log of these actions; `facts` are those of its last line."""
    for action in actions[:-1]:
        log.append(folder, action, "release", {})
    log.append(folder, actions[-1], "release", facts)
    assert log.verify(folder).problem is None
    return log.read(folder)


def heads(entries: list[dict[str, Any]], *numbers: int) -> list[Head]:
    return [Head(number, entries[number - 1]["sha256"]) for number in numbers]


@pytest.fixture
def before(tmp_path: Path) -> list[dict[str, Any]]:
    """Ten lines, as they were."""
    return written(tmp_path / "before", ["released"] * 10)


def test_given_every_anchored_line_in_the_log_when_compared_then_the_newest_is_said_in_any_order(
    before: list[dict[str, Any]],
) -> None:
    assert anchors.compare(before, heads(before, 8, 3, 5)) == anchors.Comparison(8)
    assert anchors.compare(before, []) == anchors.Comparison(0)
    assert anchors.compare([], []) == anchors.Comparison(0)


@pytest.mark.parametrize(("left", "said"), [(9, "line 10 was cut off"), (6, "lines 7 to 10 were cut off")])
def test_given_lines_cut_off_the_end_when_compared_then_they_are_named(
    before: list[dict[str, Any]], left: int, said: str
) -> None:
    found = anchors.compare(before[:left], heads(before, 5, 10))
    assert found == anchors.Comparison(5, (), f"{said}: line 10 is anchored")


def test_given_a_log_written_anew_when_compared_then_the_first_anchored_line_that_differs_is_named(
    before: list[dict[str, Any]], tmp_path: Path
) -> None:
    anew = [*before[:4], *written(tmp_path / "anew", ["rolled back"] * 10)[4:]]
    found = anchors.compare(anew, heads(before, 3, 6, 10))
    assert found.line == 3
    assert found.problem is not None and found.problem.startswith("line 6 is anchored with sha256")
    assert found.problem.endswith("the log was rewritten between line 4 and it")
    assert str(anchors.compare(anew, heads(before, 4, 5)).problem).endswith("the log was rewritten there")


def test_given_an_older_log_restored_when_compared_then_its_line_explains_what_is_gone_and_nothing_else(
    before: list[dict[str, Any]], tmp_path: Path
) -> None:
    facts = {"backup": "2027-01-15T03:00:00+00:00", "anchored": {"sequence": 10, "sha256": before[9]["sha256"]}}
    after = written(tmp_path / "restored", ["released"] * 6 + [anchors.RESTORED], **facts)
    same = heads(after, 6)

    found = anchors.compare(after, [*same, *heads(before, 8, 10)])

    assert (found.line, found.problem) == (6, None)
    (note,) = found.notes
    assert note.startswith(
        "lines 7 to 10 of before went with a restore: line 7 says that release took the backup of 20"
    )
    later = anchors.compare(after, [*same, *heads(before, 8), Head(11, "a" * 64)])
    assert later.problem == "lines 8 to 11 were cut off: line 11 is anchored", "nothing after the restore is explained"
    assert anchors.compare(after, [*heads(before, 6)]).problem is not None, "nor what was before it"


def test_given_a_restore_that_took_nothing_away_when_compared_then_there_is_nothing_to_say(tmp_path: Path) -> None:
    facts = {"backup": "2027-01-15T03:00:00+00:00"}
    for anchored in (None, {"sequence": 2, "sha256": "a"}):
        folder = tmp_path / str(bool(anchored))
        after = written(folder, ["released"] * 2 + [anchors.RESTORED], **facts, anchored=anchored)
        assert anchors.compare(after, heads(after, 3)) == anchors.Comparison(3)


def test_given_heads_anchored_after_a_restore_when_compared_then_its_line_does_not_explain_them(
    before: list[dict[str, Any]], tmp_path: Path
) -> None:
    facts = {"backup": "2027-01-15T03:00:00+00:00", "anchored": {"sequence": 10, "sha256": before[9]["sha256"]}}
    after = written(tmp_path / "restored", ["released"] * 6 + [anchors.RESTORED], **facts)
    restored = datetime.fromisoformat(after[-1]["time"])
    head = heads(before, 8)[0]

    found = anchors.compare(after, [replace(head, at=restored - timedelta(seconds=1))])
    assert (found.problem, found.restores) == (None, (after[-1]["sha256"],))
    late = anchors.compare(after, [replace(head, at=restored + timedelta(seconds=1))])
    assert late.problem == "line 8 was cut off: line 8 is anchored"
