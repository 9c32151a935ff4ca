"""Drift is found where there is some, and no rhythm, shape or category of 100 values is taken for it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from aifactory_runtime.monitoring import baseline, bins, drift, profile
from aifactory_runtime.monitoring.bins import Categories, Numbers
from aifactory_runtime.monitoring.drift import Distance

SIZE = 1_000
Draw = np.random.Generator
Shape = Callable[[Draw, int], np.ndarray]

NUMERIC: dict[str, Shape] = {
    "normal": lambda draw, rows: draw.normal(size=rows),
    "uniform": lambda draw, rows: draw.random(rows),
    "exponential": lambda draw, rows: draw.exponential(size=rows),
    "lognormal": lambda draw, rows: draw.lognormal(0, 2, rows),
    "heavy tails": lambda draw, rows: draw.standard_t(2, rows),
    "two hills": lambda draw, rows: draw.normal(size=rows) + 6 * (draw.random(rows) < 0.3),
    "counts": lambda draw, rows: draw.poisson(3, rows).astype(float),
    "few counts": lambda draw, rows: draw.poisson(0.2, rows).astype(float),
    "98 % zeros": lambda draw, rows: np.where(draw.random(rows) < 0.98, 0, draw.exponential(size=rows)),
    "60 % zeros": lambda draw, rows: np.where(draw.random(rows) < 0.6, 0, draw.normal(size=rows)),
    "half missing": lambda draw, rows: np.where(draw.random(rows) < 0.5, np.nan, draw.normal(size=rows)),
    "rounded": lambda draw, rows: draw.normal(size=rows).round(1),
    "constant": lambda _, rows: np.ones(rows),
    "ages": lambda draw, rows: draw.integers(18, 90, rows).astype(float),
}
CATEGORIES = (2, 3, 5, 10, 30, 100)


def columns(draw: Draw, rows: int) -> dict[str, np.ndarray]:
    made: dict[str, np.ndarray] = {name: shape(draw, rows) for name, shape in NUMERIC.items()}
    for size in CATEGORIES:
        weights = 1 / np.arange(1, size + 1)
        made[f"{size} values"] = draw.choice(size, rows, p=weights / weights.sum()).astype(str)
    return made


class Watch:
    """Bins, threshold and the counting of windows, from some traffic or from training rows."""

    def __init__(self, rows: dict[str, np.ndarray], *, of_training: bool = False) -> None:
        if of_training:
            held = baseline.of_training(profile.of({name: column(values) for name, values in rows.items()}), SIZE)
            self.kinds, self.threshold = held.kinds, held.threshold
        else:
            self.kinds = {name: bins.of(column(values)) for name, values in rows.items()}
            self.threshold = drift.calibrate(self.kinds, self.places(rows), SIZE)

    def places(self, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: self.kinds[name].place(column(values)) for name, values in rows.items()}

    def window(self, rows: dict[str, np.ndarray]) -> list[Distance]:
        shares = {name: drift.shares(self.kinds[name], placed) for name, placed in self.places(rows).items()}
        return drift.distances(self.threshold, self.kinds, shares)


def column(values: np.ndarray) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, from_pandas=True)])


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch(columns(np.random.default_rng(0), 20 * SIZE))


def two_running(before: list[Distance], now: list[Distance]) -> list[Distance]:
    return drift.alarms({each.column for each in before if each.over}, now)


def false_alarms(watch: Watch, windows: int) -> int:
    draw = np.random.default_rng(1)
    before: list[Distance] = []
    alarms = 0
    for _ in range(windows):
        now = watch.window(columns(draw, SIZE))
        alarms += bool(two_running(before, now))
        before = now
    return alarms


def test_given_traffic_without_change_when_watched_then_no_alarm(watch: Watch) -> None:
    assert false_alarms(watch, 60) == 0


@pytest.mark.long
def test_given_2000_windows_without_change_then_the_upper_bound_of_false_alarms_is_1_in_100(watch: Watch) -> None:
    # With 12 of 2,000 the upper 95 % bound (Clopper and Pearson) is 0.97 %.
    assert false_alarms(watch, 2_000) <= 12


@pytest.mark.long
@pytest.mark.parametrize("rows", [1_000, 20_000])
def test_given_2000_windows_and_training_rows_only_then_the_upper_bound_of_false_alarms_is_1_in_100(rows: int) -> None:
    watch = Watch(columns(np.random.default_rng(0), rows), of_training=True)
    assert false_alarms(watch, 2_000) <= 12


@pytest.mark.heavy
@pytest.mark.parametrize("name", [name for name in NUMERIC if name not in ("98 % zeros", "constant")])
def test_given_a_column_that_moves_by_half_a_standard_deviation_then_two_windows_find_it(
    watch: Watch, name: str
) -> None:
    found = [_moved(watch, name, seed) for seed in range(20)]
    assert np.mean(found) >= 0.95


def _moved(watch: Watch, name: str, seed: int) -> bool:
    draw = np.random.default_rng(100 + seed)
    windows = []
    for _ in range(2):
        rows = columns(draw, SIZE)
        rows[name] = rows[name] + 0.5 * np.nanstd(NUMERIC[name](np.random.default_rng(0), 20_000))
        windows.append(watch.window(rows))
    return name in [each.column for each in two_running(*windows)]


@pytest.mark.heavy
@pytest.mark.parametrize("size", CATEGORIES)
def test_given_a_category_that_takes_ten_points_of_the_rows_then_two_windows_find_it(watch: Watch, size: int) -> None:
    name = f"{size} values"
    found = []
    for seed in range(20):
        draw = np.random.default_rng(200 + seed)
        windows = []
        for _ in range(2):
            rows = columns(draw, SIZE)
            rows[name] = np.where(draw.random(SIZE) < 0.1 / (1 - (rows[name] == "1").mean()), "1", rows[name])
            windows.append(watch.window(rows))
        found.append(name in [each.column for each in two_running(*windows)])
    assert np.mean(found) >= 0.95


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("constant", np.full(SIZE, 2.0)),
        ("normal", np.full(SIZE, np.nan)),
        ("normal", np.zeros(SIZE)),
        ("5 values", np.full(SIZE, "never seen")),
    ],
)
def test_given_a_column_that_is_stuck_missing_or_unseen_when_watched_then_it_is_the_first_of_the_list(
    watch: Watch, name: str, values: np.ndarray
) -> None:
    rows = columns(np.random.default_rng(2), SIZE) | {name: values}
    first = watch.window(rows)[0]
    assert (first.column, first.over) == (name, True)


def test_given_a_daily_rhythm_when_calibrated_on_stretches_then_no_alarm_and_shuffled_rows_would_alarm() -> None:
    draw = np.random.default_rng(3)

    def day(rows: int, start: int) -> np.ndarray:
        hours = (np.arange(rows) + start) / (8 * SIZE) * 2 * np.pi
        return np.sin(hours) + draw.normal(size=rows)

    traffic = day(40 * SIZE, 0)
    good, shuffled = Watch({"x": traffic}), Watch({"x": draw.permutation(traffic)})
    windows = [{"x": day(SIZE, number * SIZE)} for number in range(80)]

    assert sum(_alarms(good, windows)) == 0
    assert np.mean(_alarms(shuffled, windows)) > 0.5


def _alarms(watch: Watch, windows: list[dict[str, np.ndarray]]) -> list[bool]:
    seen = [watch.window(rows) for rows in windows]
    return [bool(two_running(before, now)) for before, now in pairwise(seen)]


BATCH = 300


def batch(draw: Draw, names: int, apart: float, moved: float = 0.0) -> dict[str, pa.ChunkedArray]:
    """Columns of a batch, whose means differ from batch to batch by so much; of the first they have moved, too."""
    made = {str(number): draw.normal(size=BATCH) + apart * draw.normal() for number in range(names)}
    return {name: column(values + moved * (name == "0")) for name, values in made.items()}


def batches_that_alarm(names: int, apart: float, champions: int, moved: float = 0.0) -> int:
    """Of 40 batches for each champion, held against its first 20: those that are an alarm."""
    draw, found = np.random.default_rng(3), 0
    for _ in range(champions):
        first = [batch(draw, names, apart) for _ in range(20)]
        rows = {name: pa.chunked_array([each for one in first for each in one[name].chunks]) for name in first[0]}
        held, before = baseline.of_batches(rows, BATCH), list[Distance]()
        for _ in range(40):
            places = {name: held.kinds[name].place(one) for name, one in batch(draw, names, apart, moved).items()}
            shares = {name: drift.shares(held.kinds[name], placed) for name, placed in places.items()}
            now = drift.distances(held.threshold, held.kinds, shares)
            found += bool(two_running(before, now))
            before = now
    return found


@pytest.mark.heavy
def test_given_batches_that_differ_then_few_are_an_alarm_and_nearly_all_are_once_a_column_moves() -> None:
    assert batches_that_alarm(2, 0.2, 3) <= 3
    assert batches_that_alarm(2, 0.2, 1, moved=1.5) >= 35


@pytest.mark.long
def test_given_6000_batches_without_change_then_the_upper_bound_of_false_alarms_is_1_in_100() -> None:
    found = [batches_that_alarm(names, apart, 25) for names in (1, 8) for apart in (0.0, 0.2, 0.5)]
    # With 46 of 6,000 the upper 95 % bound (Clopper and Pearson) is 0.99 %.
    assert sum(found) <= 46, found


def test_given_less_than_20_windows_of_traffic_when_calibrated_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than 20 windows"):
        Watch({"x": np.zeros(20 * SIZE - 1)})


def test_given_one_window_or_two_columns_in_turn_when_over_then_no_alarm() -> None:
    over = Distance("x", 0.5, 9, True)
    assert two_running([], [over]) == []
    assert two_running([Distance("y", 0.5, 9, True)], [over]) == []
    assert two_running([Distance("x", 0.5, 9, False)], [over]) == []
    assert two_running([over], [over]) == [over]


def test_given_the_same_traffic_when_calibrated_twice_then_the_threshold_is_the_same() -> None:
    traffic = columns(np.random.default_rng(4), 20 * SIZE)
    assert Watch(traffic).threshold.largest == Watch(traffic).threshold.largest


def test_given_shares_when_apart_then_numbers_count_cumulated_and_categories_in_sum() -> None:
    reference, window = np.array([0.0, 0.5, 0.5, 0.0]), np.array([0.0, 0.0, 0.5, 0.5])
    assert drift.distance(Numbers((1.0,)), reference, window) == pytest.approx(0.5)
    assert drift.distance(Categories(("a", "b")), reference, window) == pytest.approx(0.5)
    moved = np.array([0.25, 0.25, 0.25, 0.25])
    assert drift.distance(Numbers((1.0,)), reference, moved) == pytest.approx(0.25)
    assert drift.distance(Categories(("a", "b")), reference, moved) == pytest.approx(0.5)
