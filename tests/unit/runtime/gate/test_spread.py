"""A figure's noise, from what each row adds to it: the same figure as elsewhere, and an error that draws confirm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from aifactory_runtime.gate import spread
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.spread import Measured
from aifactory_runtime.pipeline import scores

pytestmark = pytest.mark.heavy

CLASSES = (0, 1, 2)
REGRESSION = ("rmse", "r2", "mae", "median_ae")
CLASSIFICATION = ("roc_auc", "accuracy", "log_loss", "f1")


def classified(draw: np.random.Generator, rows: int, count: int) -> tuple[Any, Answers]:
    """Labels, and a model that is right more often than not."""
    labels = draw.choice(count, rows, p=[0.7, 0.3] if count == 2 else [0.5, 0.3, 0.2])
    raw = draw.gamma(1.0, 1.0, (rows, count)) + (labels[:, None] == np.arange(count)) * draw.random((rows, 1)) * 2
    shares = raw / raw.sum(axis=1, keepdims=True)
    return labels, Answers(shares.argmax(axis=1), shares, CLASSES[:count], 1)


def regressed(draw: np.random.Generator, rows: int) -> tuple[Any, Answers]:
    """Numbers, and a model whose errors have heavy tails."""
    labels = draw.normal(100, 10, rows)
    return labels, Answers(labels + draw.standard_t(5, rows), None)


def drawn(metric: str, draw: np.random.Generator, rows: int, count: int) -> tuple[Any, Answers]:
    return regressed(draw, rows) if metric in REGRESSION else classified(draw, rows, count)


CASES = [*((metric, 2) for metric in (*CLASSIFICATION, *REGRESSION)), *((metric, 3) for metric in CLASSIFICATION)]


@pytest.mark.parametrize(("metric", "count"), CASES)
def test_given_labels_and_answers_when_measured_then_the_figure_is_that_of_the_gate(metric: Any, count: int) -> None:
    labels, said = drawn(metric, np.random.default_rng(1), 300, count)
    expected = scores.of_answers(labels, said.judged, said.classes, said.positive)[metric]
    found = spread.of(metric, labels, said)
    assert found is not None and math.isclose(found.value, expected, rel_tol=1e-9) and found.rows == 300


@pytest.mark.parametrize(("metric", "count"), CASES)
def test_given_many_draws_when_measured_then_the_error_is_how_far_figures_lie_apart(metric: Any, count: int) -> None:
    draw = np.random.default_rng(2)
    found = [spread.of(metric, *drawn(metric, draw, 250, count)) for _ in range(100)]
    values, errors = zip(*((one.value, one.error) for one in found if one is not None), strict=True)
    assert len(values) == 100
    assert 0.75 < float(np.mean(errors)) / float(np.std(values)) < 1.35


def test_given_rows_that_are_copies_when_they_count_together_then_the_error_is_that_of_the_rows_without_copies() -> (
    None
):
    labels, said = classified(np.random.default_rng(3), 200, 2)
    five = np.repeat(np.arange(200), 5)
    once, copied = spread.of("roc_auc", labels, said), spread.of("roc_auc", labels[five], said.of(five), five)
    assert once is not None and copied is not None
    assert math.isclose(copied.error, once.error, rel_tol=1e-9) and copied.spread > once.spread


def test_given_rows_that_tell_nothing_when_measured_then_there_is_no_figure() -> None:
    labels, said = classified(np.random.default_rng(4), 40, 2)
    assert spread.of("roc_auc", np.zeros(40, dtype=int), said) is None, "one class"
    assert spread.of("accuracy", labels[:0], said.of(np.arange(0))) is None, "no row"
    assert spread.of("r2", np.ones(9), Answers(np.ones(9), None)) is None, "every label the same"
    assert spread.of_values(np.array([])) is None


def test_given_figures_that_differ_when_held_against_each_other_then_chance_is_what_it_is() -> None:
    was = Measured(0.9, 1_000, 0.01)
    assert spread.lost("accuracy", 0.9, 0.85) == pytest.approx(0.05) == spread.lost("rmse", 0.85, 0.9)
    assert spread.noise(was, Measured(0.85, 1_000, 0.01)) == pytest.approx(0.01 * math.sqrt(2))
    assert spread.noise(was, Measured(0.85, 30, 0.06)) > 0.05, "few rows prove nothing"
    assert spread.noise(Measured(1.0, 30, 0.0), Measured(0.9, 1_000, 0.01)) > 0.05, "30 right ones do neither"
