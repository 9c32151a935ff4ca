"""Figures by slice: a model that is worse for some rows is found, too few rows decide nothing."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.gate import slices
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.slices import Judged, Placed, Slices
from aifactory_runtime.pipeline import scores

NAMES = ("region = north", "region = south", "region: any other", "region: missing")


def score(labels: np.ndarray, said: Answers) -> float | None:
    return scores.of_answers(labels, said.judged, ()).get("mae")


def model(labels: np.ndarray, off: np.ndarray | float, seed: int) -> Answers:
    return Answers(labels + off + np.random.default_rng(seed).normal(scale=0.1, size=len(labels)), None)


def judged(places: np.ndarray, *, off: float = 1.0, champion: bool = True) -> Judged:
    """A candidate that is wrong by `off` in the north, a champion that is nowhere, a baseline that says 0."""
    labels = np.random.default_rng(0).normal(scale=5.0, size=len(places))
    candidate = model(labels, np.where(places == 0, off, 0.0), 1)
    before = model(labels, 0.0, 2) if champion else None
    return Judged("the test rows", labels, candidate, Answers(np.zeros(len(places)), None), before)


def made(places: np.ndarray, rows: Judged, margin: float | None = None) -> Slices:
    return slices.of("mae", rows, [Placed("region", NAMES, places)], score, margin=margin)


def places(*counts: int) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts)


def test_given_a_candidate_that_is_worse_in_one_slice_when_measured_then_that_one_is_said() -> None:
    where = places(100, 200)
    found = made(where, judged(where), margin=0.1)

    north, south = found.found
    assert (north.name, north.rows, north.worse, north.few) == ("region = north", 100, True, False)
    assert not south.worse and south.rows == 200
    assert north.candidate is not None and north.champion is not None and north.baseline is not None
    assert north.champion < 0.2 and 0.9 < north.candidate < north.baseline
    assert found.worst()[0] == north
    [reason] = found.objections()
    assert reason.startswith("slice region = north: mae ") and "more than 10 % worse than the champion's" in reason


def test_given_no_margin_when_a_slice_is_worse_then_it_is_remarked_and_nothing_is_refused() -> None:
    where = places(100, 200)
    found = made(where, judged(where))
    assert found.found[0].worse and not found.objections()
    assert [remark.partition(":")[0] for remark in found.remarks()] == ["slice region = north"]
    assert not made(where, judged(where), margin=0.1).remarks(), "what is refused is not said twice"


def test_given_too_few_rows_when_measured_then_they_are_counted_and_decide_nothing() -> None:
    where = places(slices.LEAST_ROWS - 1, 200)
    north = made(where, judged(where, off=100.0), margin=0.0).found[0]
    assert north.few and north.rows == 29 and north.candidate is None and not north.worse
    where = places(slices.LEAST_ROWS, 200)
    assert made(where, judged(where, off=100.0), margin=0.0).objections()


def test_given_many_rows_of_few_customers_when_measured_then_they_are_too_few() -> None:
    where = places(100, 200)
    rows = replace(judged(where), units=np.concatenate([np.arange(100) // 20, np.arange(200) + 100]))
    assert [one.few for one in made(where, rows).found] == [True, False]


def test_given_a_loss_within_the_margin_when_measured_then_it_is_none() -> None:
    where = places(100, 200)
    assert not made(where, judged(where, off=0.15), margin=5.0).objections()
    assert made(where, judged(where, off=0.15), margin=0.0).objections()


def test_given_noise_alone_when_measured_then_no_slice_is_worse_although_some_figures_are() -> None:
    worse = higher = 0
    for seed in range(40):
        draw = np.random.default_rng(seed)
        labels = draw.normal(size=400)
        own, other = model(labels, 0.0, 2 * seed), model(labels, 0.0, 2 * seed + 1)
        rows = Judged("the test rows", labels, own, Answers(np.zeros(400), None), other)
        found = slices.of("mae", rows, [Placed("region", NAMES, draw.integers(0, 4, 400))], score, margin=0.0)
        higher += any((found.lost(one) or 0.0) > 0 for one in found.found)
        worse += bool(found.objections())
    assert worse <= 2 and higher > 20


def test_given_no_champion_when_measured_then_the_baseline_is_what_counts() -> None:
    where = places(100, 200)
    found = made(where, judged(where, off=100.0, champion=False), margin=0.0)
    assert found.against == "baseline" and found.found[0].champion is None
    assert "worse than the baseline's" in found.objections()[0]


def test_given_a_metric_that_a_slice_has_not_when_measured_then_it_is_shown_without() -> None:
    where = places(100, 200)
    found = slices.of("mae", judged(where), [Placed("region", NAMES, where)], lambda *_: None, margin=0.0)
    assert found.worst() == [] and found.objections() == []
    assert "no figure" in found.csv()


@given(st.lists(st.integers(0, 3), min_size=1, max_size=120), st.integers(0, 99))
def test_given_any_rows_when_measured_then_slices_add_up_and_order_changes_no_figure(
    numbers: list[int], seed: int
) -> None:
    where = np.array(numbers)
    rows = judged(where)
    order = np.random.default_rng(seed).permutation(len(where))

    found, again = made(where, rows), made(where[order], rows.of(order))

    assert sum(one.rows for one in found.found) == len(where)
    assert all(one.rows for one in found.found)
    for one, other in zip(found.found, again.found, strict=True):
        assert (one.name, one.rows, one.few) == (other.name, other.rows, other.few)
        assert one.candidate == pytest.approx(other.candidate) and one.champion == pytest.approx(other.champion)


def test_given_slices_when_written_then_the_report_has_the_worst_first_and_the_table_the_columns_order() -> None:
    where = places(29, 100, 200)
    rows = judged(where)
    rows = replace(rows, candidate=model(rows.labels, np.where(where == 2, 1.0, 0.0), 1))
    found = replace(made(where, rows, margin=0.1), notes=("no slices of fee",))

    report = found.report()
    assert [one["name"] for one in report["found"]] == [NAMES[2], NAMES[1], NAMES[0]]
    assert (report["rows"], report["against"], report["notes"]) == ("the test rows", "champion", ["no slices of fee"])
    lines = list(csv.DictReader(io.StringIO(found.csv())))
    assert [(line["slice"], line["rows"], line["judged"]) for line in lines] == [
        (NAMES[0], "29", "too few rows"),
        (NAMES[1], "100", "not worse"),
        (NAMES[2], "200", "worse"),
    ]
