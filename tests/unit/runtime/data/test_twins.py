"""Rows of equal inputs on the sides of the split: all count, none moves, and the reference is kept by count."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import split
from aifactory_runtime.data.split import Roles
from aifactory_runtime.errors import FactoryError

Row = tuple[int, int, int]
ROLES = Roles("y", ignored=("id",))
MODES = ("spread", "together")
few = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)), min_size=10, max_size=120)


def table(rows: list[Row]) -> pd.DataFrame:
    """Few-valued columns; the ignored one is no key."""
    return pd.DataFrame(rows, columns=["a", "b", "y"]).assign(id=[number % 3 for number in range(len(rows))])


def sides(
    frame: pd.DataFrame,
    mode: str | None,
    reference: pd.DataFrame | None = None,
    roles: Roles = ROLES,
    chunk: int = 17,
    **conf: Any,
) -> pd.Series[str]:
    """The side of each row; a table of which nothing can be tested or learned gives none."""
    chosen = DataSettings.model_validate({"equal_rows": mode, **conf})
    chunks = [frame.iloc[start : start + chunk] for start in range(0, len(frame), chunk)]
    known = None if reference is None else split.scan([reference], roles, chosen.group)
    try:
        found = split.assign(split.scan(chunks, roles, chosen.group), chosen, known).sides
    except FactoryError:
        return pd.Series([""] * len(frame))
    return pd.Series(np.array([*split.NAMES, "dropped"])[found])


def counted(frame: pd.DataFrame, found: pd.Series[str], columns: list[str]) -> Counter[tuple[Any, ...]]:
    """How often each row, as a model sees it, is on each side."""
    return Counter(frame[columns].assign(side=found.to_numpy()).itertuples(index=False, name=None))


def full(rows: list[Row]) -> list[Row]:
    """With enough other rows that no class and no side is empty."""
    return [*rows, *((100 + number, 0, number % 2) for number in range(60))]


@pytest.mark.heavy
@given(few, few)
def test_given_rows_that_are_added_at_the_end_when_spread_then_no_row_as_a_model_sees_it_moves(
    rows: list[Row], more: list[Row]
) -> None:
    before, after = table(full(rows)), table([*full(rows), *more])
    found, then = sides(before, "spread"), sides(after, "spread")
    assert counted(before, found, ["a", "b", "y"]) <= counted(after, then, ["a", "b", "y"])


@pytest.mark.heavy
@given(few, few)
def test_given_rows_without_an_ignored_column_when_more_are_added_then_each_old_row_stays(
    rows: list[Row], more: list[Row]
) -> None:
    roles = Roles("y")
    before, after = table(full(rows)).drop(columns="id"), table([*full(rows), *more]).drop(columns="id")
    for mode in MODES:
        found, then = sides(before, mode, roles=roles), sides(after, mode, roles=roles)
        assert found.tolist() == then.tolist()[: len(found)]


@pytest.mark.heavy
@given(few, st.randoms(use_true_random=False), st.sampled_from(MODES), st.integers(1, 60), st.integers(0, 40))
def test_given_another_order_and_other_chunks_when_split_then_nothing_moves(
    rows: list[Row], draw: Any, mode: str, chunk: int, most: int
) -> None:
    frame = table(full(rows))
    order = list(range(len(frame)))
    draw.shuffle(order)
    other = frame.iloc[order].reset_index(drop=True)
    found, then = sides(frame, mode, max_train_rows=most), sides(other, mode, chunk=chunk, max_train_rows=most)
    assert counted(frame, found, ["a", "b", "y", "id"]) == counted(other, then, ["a", "b", "y", "id"])


@pytest.mark.heavy
@given(st.integers(0, 1_000), few)
def test_given_a_row_of_inputs_that_no_other_has_when_spread_then_its_side_is_that_of_together(
    seed: int, rows: list[Row]
) -> None:
    frame = table([*full(rows), *((1_000 + seed + number, 0, number % 2) for number in range(100))])
    alone = ~frame[["a", "b"]].duplicated(keep=False)
    assert sides(frame, "spread")[alone].tolist() == sides(frame, "together")[alone].tolist()
    assert sides(frame, "together").tolist() == sides(frame, None).tolist()


@pytest.mark.heavy
@given(few, st.sampled_from(MODES))
def test_given_rows_that_are_no_copies_when_split_then_each_is_on_one_side(rows: list[Row], mode: str) -> None:
    found = sides(table(full(rows)), mode)
    assert set(found) == {"train", "validation", "test"}


@pytest.mark.heavy
@given(few)
def test_given_equal_inputs_when_together_then_they_are_on_one_side(rows: list[Row]) -> None:
    frame = table(full(rows))
    assert (frame.assign(side=sides(frame, "together")).groupby(["a", "b"])["side"].nunique() == 1).all()


@pytest.mark.heavy
@given(st.lists(st.integers(0, 500), min_size=1, max_size=5), st.integers(0, 10_000))
def test_given_few_combinations_when_spread_then_each_side_has_its_share_of_each_and_of_its_labels(
    sizes: list[int], first: int
) -> None:
    rows = [(first + number, 0, int(count < size / 3)) for number, size in enumerate(sizes) for count in range(size)]
    frame = table(full(rows))
    made = frame.assign(side=sides(frame, "spread", test_share=0.2, validation_share=0.1))
    for (a, _, _), group in made[made["a"].isin([row[0] for row in rows])].groupby(["a", "b", "y"]):
        for side, share in (("test", 0.2), ("validation", 0.1), ("train", 0.7)):
            assert abs((group["side"] == side).sum() - share * len(group)) <= 2.5, a


@pytest.mark.heavy
@given(few, few, st.sampled_from(["spread", "time"]))
def test_given_a_reference_when_split_again_then_as_many_of_each_row_are_tested_as_it_holds(
    rows: list[Row], more: list[Row], how: str
) -> None:
    mode, roles = ("spread", ROLES) if how == "spread" else (None, Roles("y", ignored=("id",), time="when"))
    before = table(full(rows)).assign(when=range(len(full(rows))))
    after = pd.concat([before, table(more).assign(when=range(1_000, 1_000 + len(more)))], ignore_index=True)
    reference = before[(sides(before, mode, roles=roles) == "test").to_numpy()]
    then = sides(after, mode, reference, roles, test_share=0.05)
    held = Counter(reference.itertuples(index=False, name=None))
    assert held <= Counter(after[(then == "test").to_numpy()].itertuples(index=False, name=None))
    assert (then == "train").any()


def test_given_a_reference_row_whose_label_was_corrected_when_spread_then_one_of_equal_inputs_stands_for_it() -> None:
    frame = table([(number % 2, 0, 0) for number in range(60)] + [(7, 7, 1)] * 40).drop(columns="id")
    reference = pd.DataFrame({"a": [7] * 30, "b": [7] * 30, "y": [0] * 30})
    found = sides(frame, "spread", reference, Roles("y"), test_share=0.01, validation_share=0.01)
    assert ((found == "test") & (frame["a"] == 7)).sum() == 30


@pytest.mark.parametrize("mode", MODES)
def test_given_groups_when_rows_of_equal_inputs_could_be_spread_then_the_rows_of_a_group_stay_together(
    mode: str,
) -> None:
    frame = table([(number % 4, number % 3, number % 2) for number in range(600)])
    frame["who"] = np.arange(600) % 60
    found = sides(frame, mode, roles=Roles("y", ignored=("id", "who")), group="who")
    assert (frame.assign(side=found).groupby("who")["side"].nunique() == 1).all()


def test_given_a_regression_of_few_inputs_when_spread_then_each_combination_is_on_both_sides_and_stays() -> None:
    draw = np.random.default_rng(2)
    frame = pd.DataFrame({"a": draw.integers(0, 3, 900), "y": draw.normal(size=900).round(4)})
    roles = Roles("y", regression=True)
    found = sides(frame, "spread", roles=roles)
    assert found.tolist()[:600] == sides(frame.head(600), "spread", roles=roles).tolist()
    shares = frame.assign(test=found == "test").groupby("a")["test"].mean()
    assert shares.between(0.13, 0.27).all()


def test_given_one_combination_of_inputs_when_it_stays_together_then_one_line_names_the_setting() -> None:
    frame = table([(1, 1, number % 2) for number in range(40)])
    chosen = DataSettings()
    with pytest.raises(FactoryError, match=r"no row is left to .* data\.equal_rows: spread"):
        split.assign(split.scan([frame], ROLES, None), chosen, None)
    assert set(sides(frame, "spread")) == {"train", "validation", "test"}


def test_given_spread_when_reported_then_inputs_known_from_training_are_no_leak() -> None:
    frame = table([(number % 2, 0, number % 3 % 2) for number in range(100)])
    read = split.scan([frame], ROLES, None)
    spread = split.assign(read, DataSettings(equal_rows="spread"), None).report
    assert "inputs" not in spread["test_rows_known_from_training"]
    assert split.assign(read, DataSettings(), None).report["test_rows_known_from_training"]["inputs"] == 0
