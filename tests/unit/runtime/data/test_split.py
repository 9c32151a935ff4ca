"""The split: rows that never change sides, classes on both, time, few rows, and what is known from training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.config.settings import DataSettings
from aifactory_runtime.data import split
from aifactory_runtime.data.split import Roles
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.unit.runtime.data.small_table import table

ROLES = Roles("y")


def assign(
    frame: pd.DataFrame,
    roles: Roles = ROLES,
    reference: pd.DataFrame | None = None,
    chunk: int = 97,
    key: tuple[str, ...] = (),
    **conf: object,
) -> pd.DataFrame:
    """The rows that are kept, with their split; the table comes in chunks."""
    chosen = DataSettings.model_validate({"test_share": 0.2, "validation_share": 0.1, **conf})
    chunks = [frame.iloc[start : start + chunk] for start in range(0, len(frame), chunk)]
    known = None if reference is None else split.scan([reference], roles, chosen.group)
    sides = split.assign(split.scan(chunks, roles, chosen.group, key), chosen, known).sides
    kept = frame[sides >= 0]
    return kept.assign(split=np.array(split.NAMES)[sides[sides >= 0]])


def report(frame: pd.DataFrame, roles: Roles = ROLES, **conf: object) -> dict[str, dict[str, int]]:
    chosen = DataSettings.model_validate(conf)
    return dict(split.assign(split.scan([frame], roles, chosen.group), chosen, None).report)


@pytest.mark.heavy
@given(st.integers(0, 1000), st.integers(100, 300), st.integers(1, 200))
def test_given_data_that_grows_when_split_then_no_row_changes_sides(seed: int, rows: int, more: int) -> None:
    before = assign(table(rows, seed), test_share=0.3, validation_share=0.2)
    grown = pd.concat([table(more, seed + 1), table(rows, seed)], ignore_index=True)
    after = assign(grown, test_share=0.3, validation_share=0.2)
    both = before.merge(after, on=["a", "b", "c", "y"], suffixes=("_before", "_after"))
    assert len(both) == len(before)
    assert (both["split_before"] == both["split_after"]).all()


def test_given_equal_rows_with_other_labels_when_split_then_they_are_on_one_side() -> None:
    frame = table(300)
    rows = assign(pd.concat([frame, frame.assign(y=1 - frame["y"])], ignore_index=True))
    assert (rows.groupby(["a", "b", "c"])["split"].nunique() == 1).all()


def test_given_equal_rows_with_other_ids_when_split_then_they_are_on_one_side() -> None:
    frame = pd.concat([table(300)] * 2, ignore_index=True).assign(id=range(600))
    rows = assign(frame, Roles("y", ignored=("id",)))
    assert len(rows) == 600
    assert (rows.groupby(["a", "b", "c"])["split"].nunique() == 1).all()


def test_fault_20_given_copies_when_split_then_the_first_of_each_is_kept_in_order() -> None:
    once = table(300).assign(id=range(300))
    frame = pd.concat([once, once], ignore_index=True)
    roles = Roles("y", ignored=("id",))
    pd.testing.assert_frame_equal(assign(frame, roles, key=("id",)).drop(columns="split"), once)
    assert len(assign(frame, roles)) == 600


def test_given_shares_that_change_when_split_then_reference_rows_stay_out_of_training() -> None:
    first = assign(table(500), test_share=0.4)
    reference = first[first["split"] == "test"].drop(columns="split")
    second = assign(table(500), reference=reference, test_share=0.05, validation_share=0.5)
    trained = second[second["split"] != "test"]
    assert trained.merge(reference, on=["a", "b", "c"]).empty


def test_given_shares_when_split_then_they_come_out_about_so() -> None:
    counts = assign(table(5_000), chunk=1_000)["split"].value_counts(normalize=True)
    assert counts["test"] == pytest.approx(0.2, abs=0.03)
    assert counts["validation"] == pytest.approx(0.1, abs=0.03)


@given(st.integers(0, 10_000), st.lists(st.integers(2, 12), min_size=2, max_size=6))
def test_given_few_rows_and_rare_classes_when_split_then_each_class_is_in_train_and_test(
    seed: int, sizes: list[int]
) -> None:
    labels = [f"class {number}" for number, size in enumerate(sizes) for _ in range(size)]
    rows = assign(table(len(labels) + 20, seed).assign(y=["other"] * 20 + labels))
    for _, found in rows.groupby("y"):
        assert {"train", "test"} <= set(found["split"])
    assert set(rows["split"]) == {"train", "validation", "test"}


@pytest.mark.parametrize("seed", range(20))
def test_given_36_rows_when_split_then_every_side_has_rows_and_both_classes_are_learned_and_tested(seed: int) -> None:
    rows = assign(table(36, seed))
    assert set(rows["split"]) == {"train", "validation", "test"}
    assert rows[rows["split"] == "train"]["y"].nunique() == rows[rows["split"] == "test"]["y"].nunique() == 2
    assert (rows["split"] == "train").sum() >= 18


def test_given_a_class_of_a_single_row_when_split_then_it_is_learned_never_tested() -> None:
    for seed in range(20):
        frame = table(200, seed)
        frame.loc[seed, "y"] = 7
        rows = assign(frame)
        assert rows[rows["y"] == 7]["split"].tolist() == ["train"]


def test_given_too_few_rows_when_split_then_one_line() -> None:
    with pytest.raises(FactoryError, match="more data"):
        assign(table(9))
    assert len(assign(table(10))) == 10


@pytest.mark.parametrize("kind", ["date", "number"])
def test_given_a_time_when_split_then_the_newest_rows_are_test(kind: str) -> None:
    order = np.random.default_rng(5).permutation(1_000)
    moments = np.datetime64("2024-01-01", "us") + order.astype("timedelta64[h]") if kind == "date" else order
    rows = assign(table(1_000).assign(when=moments), Roles("y", time="when"))
    parts = {name: found["when"] for name, found in rows.groupby("split")}
    assert parts["train"].max() < parts["validation"].min()
    assert parts["validation"].max() < parts["test"].min()
    assert (len(parts["test"]), len(parts["validation"])) == (200, 100)


def test_given_newer_rows_when_split_by_time_then_older_ones_stay_and_the_newer_are_learned_and_tested() -> None:
    roles, frame = Roles("y", time="day"), table(300).assign(day=np.arange(300.0))
    before = assign(frame, roles)
    reference = before[before["split"] == "test"].drop(columns="split")
    newer = table(200, 1).assign(day=300.0 + np.arange(200))

    after = assign(pd.concat([newer, frame], ignore_index=True), roles, reference)

    old, new = after[after["day"] < 300], after[after["day"] >= 300]
    assert (old.set_index("day")["split"] == before.set_index("day")["split"]).all()
    assert new.groupby("split")["day"].agg(["size", "min"]).to_dict("index") == {
        "train": {"size": 140, "min": 300.0},
        "validation": {"size": 20, "min": 440.0},
        "test": {"size": 40, "min": 460.0},
    }


@pytest.mark.parametrize("conf", [{}, {"equal_rows": "spread"}, {"group": "c"}])
def test_given_rows_that_came_later_when_split_then_those_tested_are_told_from_the_reference_also_where_equal(
    conf: dict[str, object],
) -> None:
    chosen = DataSettings.model_validate({"test_share": 0.2, "validation_share": 0.1, **conf})
    frame = table(400)
    first = split.assign(split.scan([frame], ROLES, chosen.group), chosen, None)
    assert not first.since.any(), "every test row is the reference"
    reference = frame[first.sides == 2]

    grown = pd.concat([frame, table(200, 1), reference.head(20)], ignore_index=True)
    known = split.scan([reference], ROLES, chosen.group)
    found = split.assign(split.scan([grown], ROLES, chosen.group), chosen, known)

    assert (found.sides[found.since] == 2).all() and found.since.sum() > 30
    assert (found.sides == 2).sum() - found.since.sum() == len(reference)
    if not conf:
        assert not found.since[:400].any() and found.since[600:].all(), "of equal rows the first are the reference"


def test_given_rows_without_a_time_when_split_then_they_count_as_the_oldest() -> None:
    moments = np.datetime64("2024-01-01", "us") + np.arange(100).astype("timedelta64[D]")
    moments[::2] = np.datetime64("NaT")
    rows = assign(table(100).assign(when=moments), Roles("y", time="when"))
    assert set(rows[rows["when"].isna()]["split"]) == {"train"}


@pytest.mark.parametrize(("time", "said"), [("gone", "does not have"), ("c", "neither dates nor numbers")])
def test_given_a_time_that_is_none_when_split_then_schema_py_is_named(time: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        assign(table(100), Roles("y", time=time))


def test_given_a_regression_when_split_then_labels_play_no_part() -> None:
    frame = table(300)
    rows = assign(frame.assign(y=frame["a"] * 2.0), Roles("y", regression=True))
    assert rows["split"].tolist() == assign(frame)["split"].tolist()


def test_given_customers_with_many_rows_when_grouped_then_each_is_on_one_side_and_else_it_is_reported() -> None:
    frame = table(2_000).assign(customer=np.arange(2_000) % 200)
    roles = Roles("y", ignored=("customer",))
    loose = report(frame, roles)
    assert loose["test_rows_known_from_training"]["customer"] == loose["splits"]["test"]
    assert loose["test_rows_known_from_training"]["inputs"] == 0
    assert report(frame, roles, group="customer")["test_rows_known_from_training"]["customer"] == 0
    assert (assign(frame, roles, group="customer").groupby("customer")["split"].nunique() == 1).all()


def test_given_ignored_columns_that_are_no_ids_when_split_then_values_known_from_training_are_not_counted() -> None:
    rows = np.arange(2_000)
    frame = table(2_000).assign(
        customer=rows % 200,
        amount=(rows % 200) / 4,
        fee=np.where(rows % 3 == 0, 0, rows % 200),
        number=(rows % 200).astype(float),
    )
    found = report(frame, Roles("y", ignored=("customer", "amount", "fee", "number")))
    assert set(found["test_rows_known_from_training"]) == {"inputs", "customer", "number"}


def test_given_equal_rows_over_time_when_split_by_time_then_those_known_from_training_are_counted() -> None:
    frame = pd.concat([table(100).assign(when=0), table(100).head(25).assign(when=1)], ignore_index=True)
    frame["when"] += np.arange(125)
    found = report(frame, Roles("y", ignored=("when",), time="when"))
    assert found["test_rows_known_from_training"]["inputs"] == 25 == found["splits"]["test"]


def test_given_more_rows_than_may_be_fitted_when_split_then_the_others_are_spare_and_stay_so_as_data_grows() -> None:
    rows = assign(table(1_000), max_train_rows=100)
    counts = rows["split"].value_counts()
    whole = assign(table(1_000))["split"].value_counts()
    assert counts["train"] == 100
    assert counts["train"] + counts["spare"] == whole["train"]
    assert (counts["test"], counts["validation"]) == (whole["test"], whole["validation"])
    fewer = assign(table(1_000), max_train_rows=50)
    assert set(fewer[fewer["split"] == "train"].index) <= set(rows[rows["split"] == "train"].index)


def test_given_a_column_named_split_when_split_then_one_line() -> None:
    with pytest.raises(FactoryError, match="rename it"):
        assign(table(100).assign(split=1))
