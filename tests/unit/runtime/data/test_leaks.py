"""Columns that nearly tell the target alone: planted ones are named, whatever their kind; noise and ids are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.data import leaks
from aifactory_runtime.data.leak_sample import Sample
from aifactory_runtime.data.split import Roles

Array = np.ndarray[Any, Any]
ROWS = 400
seeds = st.integers(0, 2**32 - 1)


def named(columns: dict[str, Array], target: Array, *, regression: bool = False, **how: Any) -> list[str]:
    return [leak.column for leak in leaks.find(columns, target, regression=regression, **how)]


def noise(draw: np.random.Generator, rows: int) -> dict[str, Array]:
    few, many = draw.integers(0, 3, rows), draw.integers(-1, 200, rows)
    return {"normal": draw.normal(size=rows), "few": few, "many": many, "id": np.arange(rows), "flat": np.zeros(rows)}


def as_date_only_known_afterwards(target: Array, draw: np.random.Generator) -> Array:
    return np.where(target == target.max(), 1.7e15 + draw.normal(size=len(target)), np.nan)


PLANTED = {
    "near": lambda target, draw: target + 0.05 * draw.normal(size=len(target)),
    "turned": lambda target, draw: 1e6 - 3.0 * target + draw.normal(size=len(target)) / 100,
    "flag": lambda target, _: target.astype(float),
    "text": lambda target, draw: target * 10 + draw.integers(0, 10, len(target)),
    "only there afterwards": as_date_only_known_afterwards,
}


@pytest.mark.parametrize("how", PLANTED)
@given(seed=seeds, share=st.floats(0.08, 0.92), rows=st.integers(200, 1_000))
def test_given_a_planted_column_when_two_classes_are_predicted_then_it_alone_is_named(
    how: str, seed: int, share: float, rows: int
) -> None:
    draw = np.random.default_rng(seed)
    target = (draw.permutation(rows) < max(12, share * rows)).astype(np.int64)
    columns = noise(draw, rows) | {"planted": PLANTED[how](target, draw)}
    assert named(columns, target) == ["planted"]


@given(seed=seeds, classes=st.integers(3, 8))
def test_given_a_planted_column_when_several_classes_are_predicted_then_it_alone_is_named(
    seed: int, classes: int
) -> None:
    draw = np.random.default_rng(seed)
    target = draw.integers(0, classes, 1_000)
    own = draw.permutation(classes)[target]  # no order of the numbers tells the classes
    columns = noise(draw, 1_000) | {"number": own + 0.05 * draw.normal(size=1_000), "text": own}
    assert named(columns, target) == ["number", "text"]


@given(
    seed=seeds,
    rows=st.integers(200, 1_000),
    bent=st.sampled_from([lambda y: 2 * y + 1, np.exp, np.arctan, lambda y: y * 1e9]),
)
def test_given_a_planted_column_when_a_number_is_predicted_then_it_alone_is_named(
    seed: int, rows: int, bent: Any
) -> None:
    draw = np.random.default_rng(seed)
    target = draw.normal(size=rows)
    columns = noise(draw, rows) | {"planted": bent(target + 0.01 * draw.normal(size=rows))}
    assert named(columns, target, regression=True) == ["planted"]


@given(seed=seeds, rows=st.integers(0, 300), regression=st.booleans(), rare=st.integers(0, 40))
def test_given_noise_of_any_size_then_nothing_is_named(seed: int, rows: int, regression: bool, rare: int) -> None:
    draw = np.random.default_rng(seed)
    target = draw.normal(size=rows) if regression else (draw.permutation(rows) < rare).astype(np.int64)
    assert named(noise(draw, rows), target, regression=regression) == []


@pytest.mark.parametrize("rare", [1, 2, 3, 5, 10])
def test_given_a_class_of_a_few_rows_then_what_fits_it_by_chance_is_not_named(rare: int) -> None:
    draw = np.random.default_rng(rare)
    target = (np.arange(60) < rare).astype(np.int64)
    columns = {f"{place}": draw.normal(size=60) for place in range(500)}
    assert named(columns, target) == []


@pytest.mark.parametrize("regression", [False, True])
def test_given_a_text_of_unique_values_then_it_is_not_named_and_one_that_repeats_is(regression: bool) -> None:
    draw = np.random.default_rng(1)
    target = draw.normal(size=ROWS) if regression else draw.integers(0, 2, ROWS)
    often = {"id": np.arange(10 * ROWS), "account": np.tile(np.arange(ROWS), 10)}
    assert named(often, np.tile(target, 10), regression=regression) == ["account"]


def test_given_rows_that_belong_together_then_their_name_tells_nothing_about_others() -> None:
    draw = np.random.default_rng(1)
    account = np.repeat(np.arange(100), 8)
    target = draw.integers(0, 2, 100)[account]
    assert named({"account": account}, target) == ["account"]
    assert named({"account": account}, target, belongs=account) == []


def test_given_a_class_that_one_group_holds_all_of_then_a_leak_is_named_by_the_others() -> None:
    draw = np.random.default_rng(1)
    group = np.repeat(np.arange(40), 20)
    target = np.where(group == 7, 2, draw.integers(0, 2, 800))  # whichever half has group 7, the other has no class 2
    columns = {"x": draw.normal(size=800), "number": target + 0.05 * draw.normal(size=800), "text": target}
    assert named(columns, target, belongs=group) == ["number", "text"]


def test_given_two_classes_of_which_one_group_holds_all_of_one_then_a_number_is_named_by_its_order() -> None:
    group = np.repeat(np.arange(40), 20)
    target = (group == 7).astype(np.int64)
    columns = {"x": np.random.default_rng(1).normal(size=800), "fee": target * 10.0}
    assert named(columns, target, belongs=group) == ["fee"]


@given(seed=seeds, regression=st.booleans(), groups=st.integers(1, 6))
def test_given_noise_in_a_few_groups_then_nothing_is_named(seed: int, regression: bool, groups: int) -> None:
    draw = np.random.default_rng(seed)
    group = draw.integers(0, groups, 400)
    own = draw.normal(size=groups)[group]
    target = own + draw.normal(size=400) if regression else (own > 0).astype(np.int64)
    assert named({"x": draw.normal(size=400), "few": draw.integers(0, 3, 400)}, target, belongs=group) == []


def test_given_a_column_that_orders_the_rows_when_the_target_follows_a_trend_then_it_is_not_named() -> None:
    sold = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=ROWS), "sold": np.arange(ROWS) * 1.5})
    for time, expected in (("day", []), (None, ["day"])):
        sample = Sample(ROWS)
        sample.add(sold)
        found = sample.find(Roles("sold", time=time, regression=True))
        assert [leak.column for leak in found] == expected


def test_given_an_honest_strong_column_then_it_is_not_named() -> None:
    draw = np.random.default_rng(1)
    target = draw.integers(0, 2, 5_000)
    strong = target + 0.5 * draw.normal(size=5_000)  # roc_auc 0.92
    assert named({"strong": strong}, target) == []


def test_given_parts_of_a_table_when_rows_are_drawn_then_they_are_those_that_are_drawn_of_the_whole() -> None:
    table = pd.DataFrame({"x": np.arange(200_000.0), "y": np.arange(200_000) % 2})
    whole, together = Sample(len(table)), Sample(len(table))
    whole.add(table)
    for start in (0, 70_000, 70_001):
        part = Sample(len(table), start)
        part.add(table.iloc[start : {0: 70_000, 70_000: 70_001}.get(start)])
        together.join(part)
    drawn = [pd.concat(sample._kept)["x"].tolist() for sample in (whole, together)]
    assert drawn[0] == drawn[1]
    assert 0 < len(drawn[0]) < len(table)


def test_given_a_flag_that_comes_most_of_the_way_then_its_accuracy_is_said() -> None:
    target = np.repeat([0, 1], [1_800, 200])
    flag = target.copy()
    flag[1_800:1_814] = 0  # 14 of 200 are missed: roc_auc 0.965
    (found,) = leaks.find({"flag": flag}, target, regression=False)
    assert (found.figure, round(found.value, 3), found.without) == ("accuracy", 0.993, 0.9)
    said = found.note("churned", "src/demo_case/schema.py")
    assert said.startswith(
        "flag alone nearly tells churned: accuracy 0.9930 (a guess without any column has 0.9, a perfect one 1). "
    )
    assert "known only after the fact" in said and "list it in IGNORED in src/demo_case/schema.py" in said


def test_given_a_table_of_a_million_rows_then_fifty_thousand_are_looked_at_and_a_rare_class_is_found() -> None:
    draw = np.random.default_rng(1)
    target = (draw.random(1_000_000) < 0.002).astype(np.int64)
    assert named({"x": draw.random(1_000_000), "fee": target + draw.random(1_000_000) / 2}, target) == ["fee"]


def test_given_chunks_of_every_kind_of_column_then_those_that_tell_the_target_are_named() -> None:
    draw = np.random.default_rng(1)
    target = draw.integers(0, 2, ROWS)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(target * 500 + draw.integers(0, 100, ROWS), unit="D")
    table = pd.DataFrame(
        {
            "x": draw.normal(size=ROWS),
            "amount": pd.array(np.where(target == 1, 5, 0), dtype="Int64"),
            "flag": pd.array(target == 1, dtype="boolean"),
            "reason": pd.Series(np.where(target == 1, "moved", "none"), dtype="category"),
            "closed": pd.Series(day).where(pd.Series(target == 1)),
            "id": np.where(target == 1, "a", "b"),
            "y": np.where(target == 1, "yes", "no"),
        }
    )
    sample = Sample(len(table))
    for start in range(0, ROWS, 90):
        sample.add(table.iloc[start : start + 90])
    found = sample.find(Roles("y", ignored=("id",)))
    assert [leak.column for leak in found] == ["amount", "flag", "reason", "closed"]
