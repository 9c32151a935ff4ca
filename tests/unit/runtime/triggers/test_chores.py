"""What a tick does by the clock: a day's look at the audit log is a problem as long as the log is not as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from aifactory_runtime.audit import anchors, log
from aifactory_runtime.contract import names
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import record
from aifactory_runtime.registry.mlflow import connect
from aifactory_runtime.triggers import chores, telling
from aifactory_runtime.triggers.here import Here
from tests.fixtures import mlflow_database
from tests.unit.runtime.release.parts import contract

pytestmark = pytest.mark.heavy

NOW = datetime(2027, 1, 15, tzinfo=UTC)


def there(folder: Path, environment: str = "embedded", server: str = "http://127.0.0.1:9") -> Here:
    """Where a tick is, with the log of this folder and by default a tracking server that does not answer."""
    nobody = {"tracking_uri": server, "registry_uri": server}
    found = contract(environment, audit_uri=str(folder / "audit"), **nobody)
    return cast("Here", SimpleNamespace(contract=found, events=folder / "events", folder=folder))


def opened(folder: Path) -> list[tuple[str, object]]:
    """Problems that are open, with what is known of them."""
    found = record.read(folder / "events").problems.open(NOW)
    return [(one.kind, one.facts.get("reason")) for one in found]


def test_given_a_line_that_was_rewritten_when_a_day_is_over_then_it_is_a_problem_until_the_log_holds_again(
    tmp_path: Path,
) -> None:
    (audit,) = (one for one in chores.CHORES if one.name == "audit")
    assert audit.every(there(tmp_path)) == timedelta(days=1)
    for _ in range(2):
        log.append(tmp_path / "audit", "released", "release", {})
    file = tmp_path / "audit" / log.FILE
    before = file.read_text()
    file.write_text(before.replace("release", "nobody", 1))

    assert chores.do([audit], there(tmp_path), NOW) == chores.Done(worked=["audit"])
    assert opened(tmp_path) == [
        ("audit_broken", "line 1 does not match its own digest: it was rewritten; the 0 lines before it hold")
    ]

    file.write_text(before)
    assert chores.do([audit], there(tmp_path), NOW) == chores.Done(), "not due again on the same day"
    assert len(opened(tmp_path)) == 1
    audit.do(there(tmp_path), NOW + timedelta(days=1))
    assert opened(tmp_path) == []


def test_given_what_is_anchored_cannot_be_read_when_a_day_is_over_then_the_chore_has_failed(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match="does not answer"):
        chores._audit(there(tmp_path, "prod"), NOW)
    assert opened(tmp_path) == []


def test_given_a_chore_of_each_day_that_fails_when_minutes_are_over_then_it_is_tried_again_and_is_a_problem_until_then(
    tmp_path: Path,
) -> None:
    works, here = [False], there(tmp_path)

    def do(*_: object) -> None:
        if not works[0]:
            raise FactoryError("no answer")

    daily = chores.Chore("a", lambda _: timedelta(days=1), do)

    def after(minutes: int) -> chores.Done:
        done = chores.do([daily], here, NOW + timedelta(minutes=minutes))
        telling.chores(here, done)
        return done

    assert after(0).failed == [chores.Failure("a", "no answer")]
    assert chores.next_due([daily], here, NOW) == NOW + chores.RETRY
    assert after(9) == chores.Done() and opened(tmp_path) == [("chore_failed", "no answer")], "not due, not over"
    assert after(10).failed and len(opened(tmp_path)) == 1
    works[0] = True
    assert after(20).worked == ["a"] and opened(tmp_path) == []
    assert chores.next_due([daily], here, NOW) == NOW + timedelta(days=1, minutes=20)


def test_given_a_chore_that_failed_when_there_is_nothing_left_to_do_or_it_is_done_often_then_no_problem_stays(
    tmp_path: Path,
) -> None:
    def fail(*_: object) -> None:
        raise FactoryError("no answer")

    here, often = there(tmp_path), chores.Chore("a", lambda _: timedelta(seconds=3), fail)
    telling.chores(here, chores.do([often], here, NOW))
    assert chores.next_due([often], here, NOW) == NOW + timedelta(seconds=3) and len(opened(tmp_path)) == 1
    telling.chores(here, chores.do([replace(often, wanted=lambda _: False)], here, NOW))
    assert opened(tmp_path) == []


def test_given_a_line_that_says_restored_where_lines_were_cut_when_days_are_over_then_a_person_has_to_close_it(
    tmp_path: Path,
) -> None:
    for _ in range(5):
        log.append(tmp_path / "audit", "released", "release", {})
    file = tmp_path / "audit" / log.FILE
    cut = log.read(tmp_path / "audit")[4]
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:2]))
    log.append(tmp_path / "audit", anchors.RESTORED, "mallory", {"anchored": {"sequence": 5}})
    mlflow_database.put(tmp_path / "mlflow.db")
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    here = there(tmp_path, "prod", address)
    registry = connect(here.contract, None)
    lines = {"log": "churn.prod", "line-0000000005": cut["sha256"], "time-0000000005": cut["time"]}
    registry.log(registry.begin_run(names.ANCHOR, "heads", {}), lines)

    for day in range(2):
        chores._audit(here, NOW + timedelta(days=day))
    ((kind, reason),) = opened(tmp_path)
    assert kind == "audit_restored" and "lines 3 to 5 of before went with a restore" in str(reason)
    assert "mallory" in str(reason)

    (problem,) = record.read(here.events).problems.open(NOW)
    record.over(here.events, [problem.key], {}, NOW + timedelta(days=1))
    chores._audit(here, NOW + timedelta(days=2))
    assert opened(tmp_path) == [], "who closed it is not asked again"

    for path in here.events.glob("events-*.jsonl"):
        path.unlink()  # as tidy does once they are old enough
    chores._audit(here, NOW + timedelta(days=3))
    assert len(opened(tmp_path)) == 1, "nobody knows of it"
    for path in here.events.glob("events-*.jsonl"):
        path.unlink()
    chores._audit(here, NOW + timedelta(days=here.contract.events_days + 3))
    assert opened(tmp_path) == [], "nor after the event of its end was removed"
