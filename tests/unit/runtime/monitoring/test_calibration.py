"""Calibration: chance and what the gate found already are no alarm, what moved since is one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from aifactory_runtime.gate import calibration as gate
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.monitoring import calibration

ROWS = 500


def two(draw: np.random.Generator, rows: int, moved: float = 0.0) -> tuple[Any, Answers]:
    """Labels of two classes that come true `moved` oftener than is said."""
    share = draw.beta(2, 3, rows)
    labels = (draw.random(rows) < np.clip(share + moved, 0, 1)).astype(int)
    return labels, Answers((share > 0.5).astype(int), np.stack([1 - share, share], axis=1), (0, 1))


def three(draw: np.random.Generator, rows: int, moved: float = 0.0) -> tuple[Any, Answers]:
    """Labels of three classes; of so many as `moved` says the answer is by chance."""
    shares = draw.dirichlet([1.0, 1.0, 1.0], rows)
    labels = (draw.random((rows, 1)) > shares.cumsum(axis=1)[:, :2]).sum(axis=1)
    by_chance = draw.random(rows) < moved
    labels[by_chance] = draw.integers(0, 3, int(by_chance.sum()))
    return labels, Answers(shares.argmax(axis=1), shares, (0, 1, 2))


def numbers(draw: np.random.Generator, rows: int, moved: float = 0.0) -> tuple[Any, Answers]:
    """Labels of a regression that are larger by `moved` than was said, with errors of 1."""
    said = draw.normal(50, 10, rows)
    return said + moved + draw.normal(0, 1, rows), Answers(said, None)


@pytest.mark.parametrize(("kind", "moved"), [(two, 0.15), (three, 0.6), (numbers, 0.4)])
def test_given_windows_that_are_as_at_the_gate_then_few_are_over_and_all_that_moved_are(
    kind: Any, moved: float
) -> None:
    draw = np.random.default_rng(5)
    was = calibration.of(*kind(draw, 2_000))
    assert was is not None
    alike = [calibration.judged(was, *kind(draw, ROWS)).over for _ in range(60)]
    assert sum(alike) <= 2
    assert all(calibration.judged(was, *kind(draw, ROWS, moved)).over for _ in range(10))


def test_given_a_model_that_the_gate_found_to_be_off_when_it_still_is_then_it_is_no_alarm() -> None:
    draw = np.random.default_rng(6)
    was = calibration.of(*two(draw, 2_000, 0.15))
    assert was is not None
    found = [calibration.judged(was, *two(draw, ROWS, 0.15)) for _ in range(20)]
    assert sum(one.over for one in found) <= 1 and min(one.value for one in found) > 0.1


def test_given_few_test_rows_when_held_against_them_then_they_prove_little() -> None:
    draw = np.random.default_rng(7)
    over = [
        calibration.judged(was, *two(draw, ROWS)).over
        for _ in range(40)
        if (was := calibration.of(*two(draw, 40))) is not None
    ]
    assert sum(over) <= 2


def test_given_no_row_then_nothing_is_known() -> None:
    labels, said = two(np.random.default_rng(8), 3)
    assert calibration.of(labels[:0], said.of(np.arange(0))) is None


@pytest.mark.parametrize("positive", [None, 0, 1])
def test_given_a_positive_class_when_judged_then_gate_and_monitor_look_at_the_same_probabilities(positive: Any) -> None:
    labels, said = two(np.random.default_rng(9), 1_000, 0.15)
    said = replace(said, positive=positive)
    at_gate = gate.of(labels, said, labels, None, seed=0).report
    found = calibration.of(labels, said)
    assert found is not None and said.shares is not None
    there = [(rows, gap) for rows, gap in zip(found.rows, found.gaps, strict=True) if rows]
    assert [rows for rows, _ in there] == [one["rows"] for one in at_gate["bins"]]
    assert [gap for _, gap in there] == pytest.approx([one["true"] - one["said"] for one in at_gate["bins"]])
    assert np.average([gap for _, gap in there], weights=[rows for rows, _ in there]) == pytest.approx(
        (labels == (1 if positive is None else positive)).mean()
        - said.shares[:, 1 if positive is None else positive].mean()
    )
    assert calibration.judged(found, labels, said).value == pytest.approx(at_gate["error"])


def test_given_a_calibration_of_one_class_when_turned_round_then_it_is_that_of_the_other() -> None:
    labels, said = two(np.random.default_rng(10), 1_000, 0.15)
    first, second = (calibration.of(labels, replace(said, positive=one)) for one in (0, 1))
    assert first is not None and second is not None
    turned = calibration.of_other_class(second)
    assert turned.rows == first.rows
    assert turned.gaps == pytest.approx(first.gaps) and turned.errors == pytest.approx(first.errors)
