"""The tick on a real repo: what asks is written down, decided, trained once, and told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aifactory_runtime import files
from aifactory_runtime.audit import log as audit
from aifactory_runtime.config import project
from aifactory_runtime.events import log as event_log
from aifactory_runtime.events import record
from aifactory_runtime.events.event import Event
from aifactory_runtime.notify import turns
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.run import STEPS
from aifactory_runtime.triggers import chores, log, people, preview, request, training
from aifactory_runtime.triggers.here import Here
from aifactory_runtime.triggers.request import Request
from aifactory_runtime.triggers.rule import Decision
from aifactory_runtime.triggers.tick import Report, tick
from aifactory_runtime.triggers.watch import read as read_watch
from aifactory_runtime.triggers.watch import stamp
from tests.fixtures.usecase_repo import write_customers
from tests.unit.runtime.notify.receivers import Webhook, answering, secret

pytestmark = pytest.mark.slow

Tick = Callable[..., Report]


@pytest.fixture
def here(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Here]:
    """The repo as it is now, in its embedded environment; the policy can be set with a variable."""
    monkeypatch.setenv("AIFACTORY_RETRAINING_PACE", "0")
    return lambda: Here(project.load(repo))


@pytest.fixture
def beat(repo: Path) -> Tick:
    return lambda **more: tick(repo, lambda _: None, **more)


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A pipeline that registers at once: the ids of its runs."""
    done: list[str] = []

    def run(context: Any, _steps: object, *, say: Callable[[str], None], **more: Any) -> handoffs.Handoff:
        made = context.made_from
        found = handoffs.Handoff(
            handoffs.new_id(),
            "retraining",
            "c",
            False,
            "x",
            "y",
            made.science.sha256,
            version=len(done) + 1,
            request=more["request"],
        )
        done.append(found.id)
        handoffs.save(context.artifacts, found)
        for name in STEPS:
            say(name)
        return found

    monkeypatch.setattr(training, "run", run)
    return done


def states(here: Here) -> dict[str, str | None]:
    return {one.trigger: one.outcome for one in log.read(here.folder).by_key.values()}


def opened(here: Here) -> set[str]:
    found = record.read(here.events).problems.by_key.values()
    return {one.kind for one in found if one.closed is None}


def finished(here: Here) -> list[str]:
    """Runs that came to their end, as they wrote it down."""
    place = Path(here.contract.artifact_uri)
    names = sorted(path.name for path in (place / "runs").glob("*") if (path / "handoff.json").exists())
    return [name for name in names if handoffs.load(place, name).version is not None]


def only(here: Here) -> Request:
    (found,) = log.read(here.folder).by_key.values()
    return found


def test_given_changed_data_when_approved_then_the_real_pipeline_trains_once_and_all_of_it_is_told(
    repo: Path, here: Callable[[], Here], beat: Tick
) -> None:
    assert beat().done == []
    write_customers(repo / "data" / "customers.csv", seed=2)
    (would,) = preview.decided(here())
    assert would.verdict.decision is Decision.ASK and log.read(here().folder).by_key == {}

    assert "a person has to approve" in beat().waiting[0]
    one = only(here())
    assert (one.trigger, opened(here())) == ("new-data", {"retraining_waits"})
    who = people.approve(here(), None, one.key)
    assert [found.verdict.decision for found in preview.decided(here())] == [Decision.TRAIN]
    beat()

    one = only(here())
    assert (one.outcome, one.version, one.approved_by, opened(here())) == (request.REGISTERED, 1, who, set())
    said = [(line["action"], line["facts"].get("request")) for line in audit.read(Path(here().contract.audit_uri))]
    assert said[0] == ("retraining approved", one.key) and ("retraining began", one.key) in said
    assert beat().done == []

    (here().inbox / "again").write_text("once more")
    beat()
    assert states(here()) == {"new-data": request.REGISTERED, "message": request.REFUSED}
    runs = here().folder.parent / "artifacts" / "runs"
    assert [handoffs.load(runs.parent, run.name).request for run in runs.iterdir()] == [one.key]


def test_given_messages_when_automatic_then_each_is_trained_or_told_and_none_stays(
    repo: Path, here: Callable[[], Here], beat: Tick, trainings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIFACTORY_RETRAINING_POLICY", "automatic")
    beat()
    inbox = here().inbox
    (inbox / "prices").write_text("new prices\nsince today")
    (inbox / "too-large").write_bytes(b"x" * 70_000)
    (inbox / "link").symlink_to(repo / "factory.yaml")
    (inbox / "half.part").write_text("still being writ")
    beat()

    assert len(trainings) == 1
    assert only(here()).why == "new prices since today"
    assert sorted(path.name for path in inbox.iterdir()) == [".refused", "half.part"]
    assert sorted(path.name for path in (inbox / ".refused").iterdir()) == ["link", "too-large"]
    assert "message_refused" in opened(here())


def test_given_other_code_when_ticked_then_training_and_application_are_told_apart_and_operations_ask_nothing(
    repo: Path, here: Callable[[], Here], beat: Tick, trainings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIFACTORY_RETRAINING_POLICY", "approval")
    beat()
    (repo / "README.md").write_text("other words")
    beat()
    assert states(here()) == {}
    (repo / "conf" / "consumer.yaml").write_text("predictions: {values: [0, 1]}\n")
    beat()
    assert set(states(here())) == {"application-code"}
    model = repo / "src" / "demo_case" / "model.py"
    model.write_text(model.read_text() + "\n# another remark\n")
    beat()
    assert set(states(here())) == {"application-code", "training-code"}
    assert trainings == []


def test_given_a_drift_when_the_data_are_at_fault_then_their_owner_is_called_and_nothing_trains_until_they_are_mended(
    here: Callable[[], Here], beat: Tick, trainings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIFACTORY_RETRAINING_POLICY", "automatic")
    beat()
    events = here().events
    _problem(events, "drift", "drift:age")
    _problem(events, "stuck_column", "stuck_column:age")
    beat()
    assert (trainings, states(here())["drift"]) == ([], request.REFUSED)
    assert "data_fault" in opened(here())
    record.over(events, ["stuck_column:age"], {})
    beat()
    assert len(trainings) == 1 and "data_fault" not in opened(here())
    causes = [line["facts"]["cause"] for line in _audit(here()) if line["action"] == "triage"]
    assert causes == ["data fault", "changed behaviour"]


def test_given_many_columns_that_drift_when_the_cause_is_one_then_it_asks_once_and_again_for_one_that_follows(
    here: Callable[[], Here], beat: Tick
) -> None:
    beat()
    events = here().events

    def drift(*columns: str) -> list[str]:
        for column in columns:
            _problem(events, "drift", f"drift:{column}")
        beat()
        return [one.why for one in log.read(here().folder).by_key.values() if one.trigger == "drift"]

    both = "drift:income and 1 more are open: changed behaviour"
    assert drift("age", "income") == [both]
    assert drift("region") == [both], "a column that follows, while the request waits"
    record.over(events, ["drift:region"], {})
    (waits,) = log.read(here().folder).pending()
    log.say(here().folder, waits, request.REFUSED, {}, by="vera")
    assert drift() == [both], "nothing is new"
    assert drift("region") == [both, "drift:region and 2 more are open: changed behaviour"], "the first ones stay open"
    causes = [line for line in _audit(here()) if line["action"] == "triage"]
    assert [line["facts"]["problem"] for line in causes] == ["drift:income", "drift:region"]


def test_given_three_refused_candidates_when_asked_again_then_a_task_is_opened_and_nothing_trains(
    here: Callable[[], Here], beat: Tick, trainings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIFACTORY_RETRAINING_POLICY", "automatic")
    beat()
    for number in range(3):
        key = people.ask(here(), None, f"try {number}")
        one = log.read(here().folder).by_key[key]
        log.say(here().folder, one, request.DONE, {"outcome": request.BY_GATE, "data": str(number), "science": "s"})
    beat(calendar=True)
    assert (trainings, states(here())["calendar"], opened(here())) == ([], request.REFUSED, {"experiment_task"})
    people.ask(here(), None, "the experiment")
    beat()
    assert len(trainings) == 1


@pytest.mark.usefixtures("trainings")
def test_given_a_tick_that_is_killed_at_any_write_when_repeated_then_the_message_is_trained_once(
    repo: Path, here: Callable[[], Here], beat: Tick, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every fsync is a place to be killed at, before and after it."""
    monkeypatch.setenv("AIFACTORY_RETRAINING_POLICY", "automatic")
    monkeypatch.setattr(chores, "CHORES", ())
    beat(all_chores=())
    real, left = os.fsync, [0]

    def fsync(descriptor: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    killed = 0
    for place in range(1, 200):
        (here().inbox / f"message-{place}").write_text("train")
        write_customers(repo / "data" / "customers.csv", rows=20, seed=1000 + place)
        before, left[0] = len(finished(here())), place
        try:
            beat(all_chores=())
            ended = True
        except KeyboardInterrupt:
            ended, killed = False, killed + 1
        left[0] = -1
        beat(all_chores=())
        found = log.read(here().folder)
        assert found.pending() == [], place
        assert len(finished(here())) == before + 1, place
        assert list(here().inbox.glob("message*")) == []
        if ended:
            break
    assert ended and killed > 10


def test_given_a_tick_when_nothing_happens_then_the_watch_fits_and_each_cause_breaks_it(
    repo: Path, here: Callable[[], Here], beat: Tick
) -> None:
    beat()
    beat()

    def fits() -> bool:
        found = read_watch(here().folder)
        return found is not None and all(stamp(path) == known for path, known in found.stamps.items())

    assert fits()
    for cause in (
        lambda: (here().inbox / "x").write_text(""),
        lambda: write_customers(repo / "data" / "customers.csv", seed=5),
        lambda: _problem(here().events, "drift", "drift:income"),
        lambda: people.ask(here(), None, "by hand"),
    ):
        beat()
        if not fits():
            beat()
        assert fits()
        cause()
        assert not fits()
        for one in log.read(here().folder).pending():
            people.refuse(here(), None, one.key, "not now")


def test_given_a_chore_that_fails_when_ticked_then_others_go_on_and_it_is_a_problem_until_it_works(
    here: Callable[[], Here], beat: Tick
) -> None:
    works = [False]

    def do(*_: object) -> None:
        if not works[0]:
            raise RuntimeError("secret row")

    done: list[str] = []

    def always(_: object) -> timedelta:
        return timedelta(0)

    table = (chores.Chore("a", always, do), chores.Chore("b", always, lambda *_: done.append("b")))
    report = beat(all_chores=table)
    assert (report.failures, done, opened(here())) == (["a: RuntimeError"], ["b"], {"chore_failed"})
    works[0] = True
    assert beat(all_chores=table).failures == [] and opened(here()) == set()

    def busy(*_: object) -> None:
        raise files.Busy("a person looks at the monitors already")

    assert beat(all_chores=(chores.Chore("a", always, busy),)).failures == [] and opened(here()) == set()


def test_given_the_table_of_chores_when_asked_then_a_live_test_is_looked_at_only_where_there_may_be_one(
    here: Callable[[], Here], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    assert [one.name for one in chores.due(chores.CHORES, here(), now)] == ["monitor", "audit", "pages"]
    monkeypatch.setenv("AIFACTORY_TRIAL", "shadow")
    assert [one.name for one in chores.due(chores.CHORES, here(), now)] == ["monitor", "live test", "audit", "pages"]
    beaten = chores.Chore("a", lambda _: timedelta(hours=1), lambda *_: None)
    here().folder.mkdir(parents=True)
    assert chores.do([beaten], here(), now).failed == []
    hours = [0.5, 1.0, -1.0]  # the last one: the clock was set back
    assert [chores.due([beaten], here(), now + timedelta(hours=hour)) != [] for hour in hours] == [False, True, True]


def test_given_a_chore_that_comes_last_when_a_tick_did_something_then_it_shows_it_and_a_failure_is_told_once(
    here: Callable[[], Here], beat: Tick
) -> None:
    seen: list[bool] = []

    def do(at: Here, _: datetime) -> None:
        seen.append(bool(log.read(at.folder).seen))
        raise RuntimeError

    table = (chores.Chore("last", lambda _: timedelta(hours=1), do, last=True),)
    assert beat(all_chores=table).failures == ["last: RuntimeError"] and opened(here()) == {"chore_failed"}
    assert beat(all_chores=table).failures == ["last: RuntimeError"] and seen == [True, True]
    assert [one.count for one in record.read(here().events).problems.open(datetime.now(UTC))] == [1]
    assert chores.do(table, here(), datetime.now(UTC)) == chores.Done(), "it is for the end of a tick"


def test_given_a_live_test_when_its_periods_are_short_or_long_then_a_tick_looks_at_their_ends_or_each_hour(
    here: Callable[[], Here], monkeypatch: pytest.MonkeyPatch
) -> None:
    test = next(one for one in chores.CHORES if one.name == "live test")
    for period, each in (("3", 3), ("86400", 3_600)):
        monkeypatch.setenv("AIFACTORY_TRIAL_PERIOD", period)
        assert test.every(here()) == timedelta(seconds=each)


def _problem(events: Path, kind: str, key: str) -> None:
    event_log.append(events, Event(datetime.now(UTC), kind, key))


def _audit(here: Here) -> list[dict[str, Any]]:
    return audit.read(Path(here.contract.audit_uri))


def test_given_channels_when_a_tick_finds_a_problem_then_people_are_told_in_it_and_the_next_one_comes_for_what_waits(
    here: Callable[[], Here], beat: Tick, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dead, log_file = Webhook(), tmp_path / "told.jsonl"
    dead.server_close()
    channels = [
        {"name": "log", "kind": "file", "path": str(log_file)},
        {"name": "chat", "kind": "webhook", "address_file": secret(tmp_path / "hook", dead.address)},
    ]
    monkeypatch.setenv("AIFACTORY_NOTIFY", json.dumps(channels))
    beat()
    (here().inbox / "too-large").write_bytes(b"x" * 70_000)

    report = beat()

    assert [json.loads(line)["what"] for line in log_file.read_text().splitlines()] == ["opened"]
    assert [line.partition(":")[0] for line in report.done] == ["told"]
    assert report.failures and report.failures[0].startswith("notify: chat: ")
    assert opened(here()) == {"message_refused", "chore_failed"}
    assert until(here()) <= datetime.now(UTC) + timedelta(minutes=1), "the webhook is tried again"
    assert beat().failures == [] and "chore_failed" in opened(here()), "not its turn yet"

    monkeypatch.setattr(turns, "FIRST_PAUSE", timedelta(0))
    with answering(Webhook(dead.server_port)):
        assert beat().failures == []

    assert opened(here()) == {"message_refused"}
    assert until(here()) > datetime.now(UTC) + timedelta(minutes=2), "nothing waits"


def until(here: Here) -> datetime:
    """When the next tick comes though nothing changes."""
    found = read_watch(here.folder)
    assert found is not None
    return found.until
