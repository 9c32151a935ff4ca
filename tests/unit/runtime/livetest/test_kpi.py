"""The KPI in a live test: worse beyond its margin it withdraws, chance does not, and it never promotes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from aifactory_runtime.contract.kpi import Kpi
from aifactory_runtime.livetest import kpi, verdict
from aifactory_runtime.livetest.rows import Row, requests
from aifactory_runtime.livetest.verdict import Guard, Labels, Rules, Unjudged, Verdict

RULES = Rules(share=0.5, period=100, wait=10, longest=10_000)
BROUGHT = Kpi(name="profit", margin=0.5, field="profit")
WORKED_OUT = Kpi(name="profit", margin=0.5)


def rows(seed: int, loss: float, sign: int = 1, count: int = 1_000) -> list[Row]:
    """A request a second, right by both models; the challenger's answers earn less by `loss`, of 10 give or take 2."""
    draw = np.random.default_rng(seed)
    made = []
    for second in range(count):
        role = "challenger" if draw.random() < 0.5 else "champion"
        luck = draw.normal(10, 2)
        ours, theirs = sign * luck, sign * (luck - loss)
        given, other = (theirs, ours) if role == "challenger" else (ours, theirs)
        made.append(Row(second, second + 1.0, 1, f"key-{second}", role, role, 1, 1, given, other))
    return made


def judged(stated: Kpi | None, found: list[Row], rules: Rules = RULES, now: float = 1_010) -> Any:
    guard = kpi.guard(stated, found, rules, now)
    return guard, verdict.of(rules, requests(found, rules, classes=True), now, [guard])


@pytest.mark.parametrize("stated", [BROUGHT, WORKED_OUT])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_given_a_challenger_that_earns_less_when_looked_at_then_it_is_withdrawn_and_one_within_the_margin_goes_on(
    stated: Kpi, direction: Any
) -> None:
    sign, wanted = (1 if direction == "up" else -1), stated.model_copy(update={"direction": direction})
    guard, found = judged(wanted, rows(1, 3.0, sign))
    assert found.verdict is Verdict.WITHDRAW and found.why == "profit is worse by more than 0.5"
    assert 0.5 < guard.worse_by[0] < 3.0 and found.guards == (guard,)
    _, found = judged(wanted, rows(2, 0.2, sign))
    assert found.verdict is Verdict.WAIT


def test_given_a_challenger_that_earns_more_then_that_alone_never_promotes_it() -> None:
    guard, found = judged(WORKED_OUT, rows(3, -5.0))
    assert guard.worse_by[1] < 0 and found.verdict is Verdict.WAIT
    assert judged(WORKED_OUT, rows(3, -5.0), now=1_020)[1].verdict is not Verdict.PROMOTE


def test_given_challengers_that_earn_the_margin_less_when_looked_at_each_period_then_few_are_withdrawn() -> None:
    withdrawn = 0
    for seed in range(30):
        found = rows(seed, 0.5, count=600)
        guards = [kpi.guard(BROUGHT, found, RULES, 110.0 + 100 * period) for period in range(6)]
        withdrawn += any(isinstance(guard, Guard) and guard.broken for guard in guards)
    assert withdrawn <= 3


def test_given_what_nobody_can_know_then_it_is_not_judged_and_says_why() -> None:
    shadow = replace(RULES, share=0.0)
    found = rows(4, 3.0)
    assert isinstance(kpi.guard(WORKED_OUT, found, shadow, 1_010), Guard), "both are known of the same row"
    silent = [replace(row, kpi=float("nan"), other_kpi=float("nan")) for row in found]
    later = [replace(row, kpi=row.kpi if row.asked < 100 else float("nan"), other_kpi=float("nan")) for row in found]
    late = [replace(row, labelled=row.asked + 11) for row in found]
    for stated, given, rules, now, why in (
        (None, found, RULES, 1_010, "factory.yaml named none"),
        (
            BROUGHT,
            found,
            shadow,
            1_010,
            "of the answer that was given, and a shadow's is given to nobody: kind: ab",
        ),
        (BROUGHT, [], RULES, 109, "no period of 100s, and the 10s that a label has is over yet"),
        (BROUGHT, found, RULES, 209, "the first period tells what values are usual and does not count"),
        (WORKED_OUT, silent, RULES, 1_010, "no row of the first period"),
        (WORKED_OUT, late, RULES, 1_010, "no row of the first period"),
        (WORKED_OUT, later, RULES, 1_010, "no row of the periods that are over and count"),
    ):
        guard, verdict_of_it = judged(stated, given, rules, now)
        assert isinstance(guard, Unjudged) and why in guard.why, (guard, why)
        assert guard.name == ("KPI" if stated is None else "KPI profit") and verdict_of_it.unjudged == (guard,)
        assert verdict_of_it.verdict is not Verdict.WITHDRAW and verdict_of_it.guards == ()


def test_given_labels_of_what_was_acted_upon_then_each_kpi_is_of_who_answered() -> None:
    rules = replace(RULES, labels=Labels.AFFECTED)
    guard, found = judged(WORKED_OUT, rows(5, 3.0), rules)
    assert isinstance(guard, Guard) and found.verdict is Verdict.WITHDRAW


def test_given_a_kpi_that_is_always_the_same_when_it_falls_then_it_is_found() -> None:
    found = [replace(row, kpi=0.0 if row.role == "challenger" else 1.0) for row in rows(6, 0.0)]
    guard, _ = judged(Kpi(name="hits", margin=0.1, field="hits"), found)
    assert isinstance(guard, Guard) and guard.broken
