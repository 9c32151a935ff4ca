"""Chance alone puts few values outside the range of the training rows: exactly, also with few of either."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats  # type: ignore[import-untyped]

from aifactory_runtime.monitoring import chance, data_rules, profile
from aifactory_runtime.monitoring.result import ALARM

COLUMNS = 20
WINDOWS = 2_000


@pytest.mark.parametrize("trained", [1, 50, 999, 1_000, 5_000, 200_000])
@pytest.mark.parametrize("rows", [1, 100, 1_000, 20_000])
def test_given_rows_when_bounded_then_it_is_the_quantile_of_a_beta_binomial(trained: int, rows: int) -> None:
    below, above = -(-trained // 1000), trained // 1000 + 1
    found = chance.most_outside(trained, rows, 1e-4)
    if below + above > trained:
        assert found == rows, "nothing lies between"
        return
    expected = stats.betabinom(rows, below + above, trained + 1 - below - above)
    assert expected.sf(found) <= 1e-4 and (found == 0 or expected.sf(found - 1) > 1e-4)


def alarms(trained: int, size: int, windows: int, moved: float = 0.0) -> int:
    """Windows, each with a table of its own, in which the range of one of 20 columns of several shapes is an alarm."""
    draw = np.random.default_rng(7)
    shapes: list[Callable[[int], np.ndarray]] = [
        draw.standard_normal,
        draw.standard_cauchy,
        draw.standard_exponential,
        lambda size: draw.poisson(2, size),
    ]
    found = 0
    for window in range(windows):
        if window % 20 == 0:
            tables = [shapes[number % len(shapes)](trained) for number in range(COLUMNS)]
            known = profile.of({str(number): _column(rows) for number, rows in enumerate(tables)})
        rows = [shapes[number % len(shapes)](size) for number in range(COLUMNS)]
        rows[0] = np.where(draw.random(size) < moved, 1e9, rows[0])
        found += any(_is_alarm(known[str(number)], str(number), one) for number, one in enumerate(rows))
    return found


def _column(values: np.ndarray) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values.astype(float))])


def _is_alarm(known: profile.ColumnProfile, name: str, values: np.ndarray) -> bool:
    found = {one.monitor: one for one in data_rules.of_column(name, _column(values), known)}
    return found[data_rules.RANGE].state == ALARM


@pytest.mark.heavy
def test_given_windows_without_change_then_the_range_is_no_alarm_and_a_twentieth_outside_is_one() -> None:
    assert alarms(300, 100, 60) == 0
    assert alarms(5_000, 1_000, 20, moved=0.05) == 20 and alarms(5_000, 100, 20, moved=0.15) == 20


@pytest.mark.long
@pytest.mark.parametrize("trained", [200, 1_000, 20_000])
@pytest.mark.parametrize("size", [100, 1_000])
def test_given_2000_windows_without_change_then_the_upper_bound_of_false_alarms_is_1_in_100(
    trained: int, size: int
) -> None:
    # With 12 of 2,000 the upper 95 % bound (Clopper and Pearson) is 0.97 %.
    assert alarms(trained, size, WINDOWS) <= 12
