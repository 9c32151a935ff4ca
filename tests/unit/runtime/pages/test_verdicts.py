"""What the facts mean: levels and sentences, without any file."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from aifactory_runtime.audit.verification import Verification
from aifactory_runtime.events import kinds
from aifactory_runtime.events.problems import Problem, Problems
from aifactory_runtime.monitoring.store import Window
from aifactory_runtime.pages import verdicts
from aifactory_runtime.pages.facts import Audited, Facts
from aifactory_runtime.pages.verdicts import Level
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.quota.usage import Usage
from tests.unit.runtime.pages.shown import NOW


def row(area: str, monitor: str, state: str = "ok", value: float | None = 1.0, reason: str = "") -> dict[str, Any]:
    return {"area": area, "monitor": monitor, "subject": "", "value": value, "state": state, "reason": reason}


def window(*rows: dict[str, Any], hours: float = 0) -> Window:
    stamp = (NOW - timedelta(hours=hours)).isoformat()
    return Window("clock 1", stamp, stamp, 1000, "1", rows)


def facts(**more: Any) -> Facts:
    contract = SimpleNamespace(serves=True, retired=None)
    settings = SimpleNamespace(monitoring=SimpleNamespace(period_minutes=60.0, window_rows=1000))
    project: Any = SimpleNamespace(environment=SimpleNamespace(contract=contract), settings=settings)
    released: Any = SimpleNamespace(champion=SimpleNamespace(version="2"), trial=None)
    looks, traffic = (window(row("service", "answers")),), (window(row("data", "drift")),)
    return replace(Facts(project, NOW, looks=looks, traffic=traffic, served=released), **more)


def problem(kind: str, **more: Any) -> Problem:
    return Problem(kind, kind, NOW - timedelta(hours=1), NOW, **more)


def test_given_problems_when_judged_then_the_worst_counts_and_those_who_are_to_act_are_named() -> None:
    found = {one.key: one for one in (problem(kinds.DRIFT), problem(kinds.SERVICE_DOWN))}
    said = verdicts.overall(facts(problems=Problems(found)))
    assert (said.level, said.sentence) == (Level.ACT, "2 problems are open, and something has stopped")
    assert said.more == "To do something: operator, data-scientist."
    silent = problem(kinds.SERVICE_DOWN, silenced_until=NOW + timedelta(days=1))
    said = verdicts.overall(facts(problems=Problems({"a": silent, "b": problem(kinds.DRIFT)})))
    assert (said.level, said.sentence) == (Level.LOOK, "1 problem is open")


@pytest.mark.parametrize(
    ("more", "level", "sentence"),
    [
        ({}, Level.GOOD, "Everything is in order"),
        ({"looks": ()}, Level.UNKNOWN, "Nobody has looked yet"),
        ({"looks": (window(row("service", "answers"), hours=4),)}, Level.LOOK, "Nobody watches at the moment"),
        ({"looks": (window(row("service", "answers"), hours=-2),)}, Level.LOOK, "Nobody watches at the moment"),
        ({"unread": {"models": "the server is away"}}, Level.LOOK, "A part of this page could not be read"),
        ({"audited": Audited(Verification(3, "a", "line 4 is torn"))}, Level.ACT, "The audit log was changed"),
        ({"served": None}, Level.UNKNOWN, "No model is released yet"),
        ({"traffic": ()}, Level.UNKNOWN, "No predictions yet"),
        (
            {"looks": (window(row("service", "answers", "no data", None, "not asked")),)},
            Level.UNKNOWN,
            "not asked",
        ),
        ({"looks": (window(row("service", "answers", "alarm", 0.0, "no answer")),)}, Level.ACT, "no answer"),
        ({"looks": (window(row("service", "x", "failed", None, "it broke")),)}, Level.ACT, "it broke"),
        ({"looks": (window(row("service", "latency", "alarm", 3.0, "1 % takes 3 s")),)}, Level.LOOK, "1 % takes 3 s"),
    ],
)
def test_given_no_problem_when_judged_then_what_is_not_seen_or_not_told_counts_too(
    more: dict[str, Any], level: Level, sentence: str
) -> None:
    said = verdicts.overall(facts(**more))
    assert (said.level, said.sentence) == (level, sentence)


def test_given_runs_and_quotas_when_judged_then_a_refusal_and_a_full_quota_are_said() -> None:
    run = Handoff("20261127-000000-a", "experiment", "c", False, "a", "b", gate={"passed": False})
    assert verdicts.experiments(facts(runs=(run,))).sentence == "Last run: refused by the gate"
    ended = replace(run, gate={"passed": False, "reasons": ["it is worse"]}, error="the gate refuses: it is worse")
    said = verdicts.experiments(facts(runs=(ended,)))
    assert (said.sentence, said.more) == ("Last run: refused by the gate", "it is worse"), "a refusal is no failure"
    assert said.level is Level.LOOK
    alike = replace(run, gate={"passed": False, "nothing_gained": True}, error="nothing is gained")
    said = verdicts.experiments(facts(runs=(alike,)))
    assert (said.level, said.sentence) == (Level.GOOD, "Last run: nothing gained, the champion stays")
    assert verdicts.experiments(facts(runs=(replace(run, gate={"passed": True}),))).sentence == "Last run: not finished"
    taken = Usage("disk", 0.9, 1.0, "GB of disk", "k")
    assert verdicts.cost(facts(usage=(taken,))).level is Level.LOOK
    assert verdicts.cost(facts(usage=(replace(taken, taken=1.0),))).level is Level.ACT
    batch: Any = SimpleNamespace(environment=SimpleNamespace(contract=SimpleNamespace(serves=False)))
    assert verdicts.service(facts(project=batch)).sentence == "No service here"


def test_given_labels_that_say_that_the_model_is_worse_when_judged_then_it_is_said() -> None:
    worse = window(row("model", "figures", "alarm", 0.6, "roc_auc is 0.6"))
    said = verdicts.model(facts(labelled=(worse,)))
    assert (said.level, said.sentence) == (Level.LOOK, "roc_auc is 0.6")


@pytest.mark.parametrize("rows", [(), (row("data", "drift", "no data", None, "no baseline"), row("data", "missing"))])
def test_given_a_window_of_which_nothing_was_compared_when_judged_then_it_is_not_in_order(
    rows: tuple[dict[str, Any], ...],
) -> None:
    empty = facts(traffic=(window(row("data", "schema"), *rows),))
    said = verdicts.data(empty)
    assert (said.level, said.sentence) == (Level.UNKNOWN, "Nothing of the data was compared")
    assert said.more == ("no baseline" if rows else "no column could be compared")
    assert verdicts.overall(empty) == said
    some = facts(traffic=(window(row("data", "skew"), *rows),))
    assert verdicts.data(some).level is Level.GOOD


def test_given_an_open_problem_of_the_audit_log_when_its_chain_holds_then_its_tile_says_it() -> None:
    cut = problem(kinds.AUDIT_BROKEN, facts={"reason": "line 4 was cut off"})
    held = Audited(Verification(3, "a", None))
    said = verdicts.audited(facts(problems=Problems({"a": cut}), audited=held))
    assert (said.level, said.sentence, said.more) == (Level.ACT, "The audit log was changed", "line 4 was cut off")
    over = replace(cut, closed=NOW)
    assert verdicts.audited(facts(problems=Problems({"a": over}), audited=held)).level is Level.GOOD
