"""Proxy metrics in a live test: worse beyond its margin one withdraws before any label, and none promotes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from aifactory_runtime.contract.trial import Proxy
from aifactory_runtime.livetest import proxies, verdict
from aifactory_runtime.livetest.rows import Row, requests
from aifactory_runtime.livetest.verdict import Guard, Rules, Unjudged, Verdict

RULES = Rules(share=0.0, period=200, wait=100_000, longest=10_000)
FRAUD = Proxy(figure="share", of="fraud", direction="down", margin=0.1)
MEAN = Proxy(figure="prediction", direction="up", margin=2.0)
SURE = Proxy(figure="confidence", direction="up", margin=0.05)


def rows(stated: Proxy, ours: Any, theirs: Any, count: int = 1_000, seed: int = 1) -> list[Row]:
    """A shadow test without a label: a request a second, whose answers are drawn by `ours` and `theirs`."""
    draw = np.random.default_rng(seed)
    made = []
    for second in range(count):
        given, other = ({"prediction": one, "probabilities": [one, 0.1]} for one in (ours(draw), theirs(draw)))
        answers = (given["prediction"], other["prediction"])
        row = Row(second, math.nan, None, f"key-{second}", "champion", "champion", *answers)
        counts = [proxies.values([stated], one) for one in (given, other)]
        made.append(replace(row, figures=counts[0], other_figures=counts[1]))
    return made


def judged(stated: Proxy, found: list[Row], now: float = 1_000, rules: Rules = RULES) -> Any:
    (guard,) = proxies.guards([stated], found, rules, now)
    return guard, verdict.of(rules, requests(found, rules, classes=True), now, [guard])


def fraud(share: float) -> Any:
    return lambda draw: "fraud" if draw.random() < share else "fine"


def normal(mean: float) -> Any:
    return lambda draw: draw.normal(mean, 5)


def uniform(low: float, high: float) -> Any:
    return lambda draw: draw.uniform(low, high)


@pytest.mark.parametrize(
    ("stated", "ours", "worse", "alike", "name"),
    [
        (FRAUD, fraud(0.1), fraud(0.5), fraud(0.12), "share of fraud"),
        (MEAN, normal(50), normal(40), normal(49.5), "mean prediction"),
        (SURE, uniform(0.8, 1), uniform(0.5, 0.7), uniform(0.8, 1), "mean confidence"),
    ],
    ids=["share", "prediction", "confidence"],
)
def test_given_no_label_when_the_answers_are_worse_beyond_the_margin_then_it_is_withdrawn_and_one_alike_goes_on(
    stated: Proxy, ours: Any, worse: Any, alike: Any, name: str
) -> None:
    guard, found = judged(stated, rows(stated, ours, worse))
    assert found.verdict is Verdict.WITHDRAW and found.why == f"{name} is worse by more than {stated.margin:g}"
    assert guard.broken and found.units == 0, "labels decide nothing here"
    guard, found = judged(stated, rows(stated, ours, alike))
    assert isinstance(guard, Guard) and found.verdict is Verdict.WAIT


def test_given_answers_that_are_better_by_far_then_that_never_promotes() -> None:
    guard, found = judged(FRAUD, rows(FRAUD, fraud(0.5), fraud(0.0)))
    assert guard.worse_by[1] < 0 and found.verdict is Verdict.WAIT


def test_given_challengers_at_the_margin_when_looked_at_each_period_then_few_are_withdrawn() -> None:
    withdrawn = 0
    for seed in range(30):
        found = rows(FRAUD, fraud(0.1), fraud(0.2), 600, seed)
        guards = [proxies.guards([FRAUD], found, RULES, 200.0 * period)[0] for period in (1, 2, 3)]
        withdrawn += any(isinstance(guard, Guard) and guard.broken for guard in guards)
    assert withdrawn <= 3


def test_given_what_cannot_be_known_then_it_says_why() -> None:
    found = rows(FRAUD, fraud(0.1), fraud(0.1))
    silent = [replace(row, other_figures=(math.nan,)) for row in found]
    for given, stated, now, why in (
        (found, FRAUD, 199, "no period of 200s is over yet"),
        (silent, FRAUD, 1_000, "no row of the periods that are over and count"),
        (rows(MEAN, normal(0), normal(0)), MEAN, 399, "the first period tells what values are usual"),
        (rows(FRAUD, fraud(0), fraud(0)), FRAUD, 1_000, "no answer of either model is 'fraud': is the class"),
    ):
        guard, _ = judged(stated, given, now)
        assert isinstance(guard, Unjudged) and guard.name == f"proxy {stated.name}" and why in guard.why


def test_given_no_answer_of_a_model_then_it_counts_in_no_figure() -> None:
    assert math.isnan(proxies.values([FRAUD], None)[0])
    assert math.isnan(proxies.values([SURE], {"prediction": "fraud"})[0]), "a model that gives no probabilities"
