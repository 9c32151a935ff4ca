"""What is proposed for a table: roles with reasons, problem, time, leaks; and what is refused, before anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aifactory.profile import Proposal, Table, Wishes, propose, scan
from aifactory.profile.column import MOST_VALUES
from aifactory.scaffold.science import conf
from aifactory.scaffold.science.brief import Brief
from aifactory_runtime.config.settings import ReadSettings, Settings
from aifactory_runtime.data import source
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.fixtures import zoo

ROWS = 200
DRAW = np.random.default_rng(3)
NUMBERS = DRAW.normal(size=ROWS)
COIN = np.where(NUMBERS + DRAW.normal(0, 1.0, ROWS) > 0, "yes", "no")


def looked_at(frame: pd.DataFrame, folder: Path) -> Table:
    frame.to_csv(folder / "t.csv", index=False)
    located = source.locate(folder, "t.csv")
    return scan(located, source.detect(located))


def proposed(frame: pd.DataFrame, folder: Path, target: str | None = "y", wishes: Wishes | None = None) -> Proposal:
    return propose(looked_at(frame, folder), "t.csv", target, wishes or Wishes())


def roles(proposal: Proposal) -> dict[str, str]:
    return {column.name: column.role for column in proposal.columns}


COLUMNS: dict[str, tuple[Any, str, str]] = {
    "number": (NUMBERS, "number", "number"),
    "whole": (np.arange(ROWS) % 7 * 3, "number", "integer"),
    "counts the rows": (np.arange(1, ROWS + 1), "id", "integer"),
    "order_id": (DRAW.permutation(ROWS) * 17 + 1000, "id", "integer"),
    "income": (DRAW.permutation(ROWS) * 17 + 1000, "number", "integer"),
    "token": ([f"{number:x}-q" for number in range(ROWS)], "id", "text"),
    "zip": ([f"0{number % 9}001" for number in range(ROWS)], "category", "category"),
    "town": (DRAW.choice(["a", "b", "c"], ROWS), "category", "category"),
    "street": ([f"{number % 90} {'road' if number % 2 else 'lane'}" for number in range(ROWS)], "category", "text"),
    "said": ([f"it was not good {number}" for number in range(ROWS)], "text", "text"),
    "flag": (DRAW.choice(["true", "false"], ROWS), "boolean", "boolean"),
    "birthday": ([f"19{number % 90 + 10}-01-0{number % 9 + 1}" for number in range(ROWS)], "date", "date"),
    "same": (["x"] * ROWS, "constant", "text"),
    "nothing": ([None] * ROWS, "empty", "text"),
    "gaps": (np.where(np.arange(ROWS) % 4, NUMBERS, np.nan), "number", "number"),
    "marked": (["?" if number % 5 else str(number) for number in range(ROWS)], "number", "integer"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_given_a_column_then_its_role_and_kind_are_proposed_with_a_reason(tmp_path: Path, name: str) -> None:
    values, role, kind = COLUMNS[name]
    found = proposed(pd.DataFrame({name: values, "other": NUMBERS, "y": COIN}), tmp_path).columns[0]
    assert (found.role, found.kind) == (role, kind)
    assert found.reason


@pytest.mark.parametrize(
    ("values", "problem", "metric"),
    [
        (COIN, "classification", "roc_auc"),
        (np.arange(ROWS) % 2, "classification", "roc_auc"),
        (np.arange(ROWS) % 4, "classification", "f1"),
        (np.where(COIN == "yes", "true", "false"), "classification", "roc_auc"),
        (NUMBERS, "regression", "rmse"),
        (np.arange(ROWS) * 3, "regression", "rmse"),
        (np.exp(3 * NUMBERS), "regression", "mae"),
    ],
)
def test_given_a_target_then_the_problem_and_its_metric_follow(
    tmp_path: Path, values: Any, problem: str, metric: str
) -> None:
    found = proposed(pd.DataFrame({"x": DRAW.normal(size=ROWS), "y": values}), tmp_path)
    assert (found.problem.name, found.problem.metric) == (problem, metric)


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (["ja"] * 40 + ["nein"] * 160, "ja"),
        (["ja"] * 160 + ["nein"] * 40, "nein"),
        (["ja"] * 100 + ["nein"] * 100, "nein"),
        ([0] * 40 + [1] * 160, 1),
        (["false"] * 40 + ["true"] * 160, True),
        (["a"] * 40 + ["b"] * 80 + ["c"] * 80, None),
    ],
)
def test_given_two_classes_then_the_positive_one_is_true_or_one_and_of_texts_the_rarer(
    tmp_path: Path, values: list[Any], positive: Any
) -> None:
    found = proposed(pd.DataFrame({"x": NUMBERS, "y": values}), tmp_path)

    assert found.problem.positive == positive and type(found.problem.positive) is type(positive)


@pytest.mark.parametrize(
    ("values", "classification", "written"),
    [
        (["ja"] * 40 + ["nein"] * 160, "internal", "ja"),
        (["ja"] * 40 + ["nein"] * 160, "confidential", None),
        (["ja"] * 160 + ["nein"] * 40, "internal", None),
        (["no"] * 40 + ["yes"] * 160, "public", "no"),
    ],
)
def test_given_a_positive_class_when_settings_are_written_then_it_is_there_if_it_has_to_be_and_may(
    tmp_path: Path, values: list[str], classification: str, written: str | None
) -> None:
    found = proposed(pd.DataFrame({"x": NUMBERS, "y": values}), tmp_path)
    brief = Brief(found, "demo", {"data_classification": classification}, real_sample=classification == "public")

    said = yaml.safe_load(conf.source(brief, ReadSettings()))

    assert Settings.model_validate(said).gate.positive_class == written


@pytest.mark.parametrize(
    ("spellings", "classes", "alike"),
    [
        (["true", "True", "false"], {True: 80, False: 40}, False),
        (["Yes", "yes", "no"], {"Yes": 40, "yes": 40, "no": 40}, True),
        (["Yes", "Yes.", "no"], {"Yes": 40, "Yes.": 40, "no": 40}, False),
    ],
)
def test_given_classes_written_in_several_ways_then_booleans_are_one_and_others_are_pointed_at(
    tmp_path: Path, spellings: list[str], classes: dict[Any, int], alike: bool
) -> None:
    found = proposed(pd.DataFrame({"x": NUMBERS[:120], "y": spellings * 40}), tmp_path).problem

    assert dict(found.classes) == classes
    assert ("differ only in case" in found.reason) is alike


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "the target is not there": ({"x": NUMBERS, "churn": COIN}, "no column y"),
    "the target has one value": ({"x": NUMBERS, "y": ["a"] * ROWS}, "same value in every row"),
    "the target has one value, written in two ways": (
        {"x": NUMBERS, "y": np.where(COIN == "yes", "true", "True")},
        "same value in every row",
    ),
    "the target has no value": ({"x": NUMBERS, "y": [None] * ROWS}, "no value in any row"),
    "every row another class": ({"x": NUMBERS, "y": [f"c{n}" for n in range(ROWS)]}, "nearly every row another"),
    "too many classes": ({"x": NUMBERS, "y": [f"c{n % 101}" for n in range(ROWS)]}, "nearly every row|at most 100"),
    "one class twice only": ({"x": NUMBERS[:40], "y": ["a"] * 39 + ["b"]}, "only one class"),
    "too few rows": ({"x": NUMBERS[:19], "y": COIN[:19]}, "at least 20"),
    "dates": ({"x": NUMBERS, "y": [f"2024-01-{n % 28 + 1:02d}" for n in range(ROWS)]}, "holds dates"),
    "infinite targets": ({"x": NUMBERS, "y": np.where(NUMBERS > 2, np.inf, NUMBERS)}, "infinite values"),
    "no other column": ({"y": COIN}, "no column is left"),
    "nothing but ids": ({"id": np.arange(ROWS), "y": COIN}, "no column is left.*count the rows"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_given_a_table_that_cannot_be_learned_from_then_the_reason_is_said(tmp_path: Path, name: str) -> None:
    columns, said = REFUSED[name]
    with pytest.raises(FactoryError, match=said) as caught:
        proposed(pd.DataFrame(columns), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("classes", [(2.0**53, 2.0**53 + 2), (2**53, 7), (-1e20, 1.0)])
def test_given_classes_that_are_too_large_to_be_told_apart_then_the_reason_is_said(
    tmp_path: Path, classes: tuple[float, ...]
) -> None:
    labels = np.array(classes)[np.arange(ROWS) % len(classes)]
    with pytest.raises(FactoryError, match="too large to be told apart as classes"):
        proposed(pd.DataFrame({"x": NUMBERS, "y": labels}), tmp_path, "y", Wishes("classification"))


@pytest.mark.parametrize("classes", [(2**53, 2**53 + 1), (2**60, 2**60 + 1, 7), (-(2**62), 1)])
def test_given_whole_numbers_beyond_2_53_as_classes_then_they_are_texts_of_all_their_digits(
    tmp_path: Path, classes: tuple[int, ...]
) -> None:
    labels = np.array(classes)[np.arange(ROWS) % len(classes)]
    found = proposed(pd.DataFrame({"x": NUMBERS, "y": labels}), tmp_path).problem
    assert {label for label, _rows in found.classes} == set(map(str, classes))


def test_given_large_classes_that_can_be_told_apart_then_they_are_the_labels(tmp_path: Path) -> None:
    labels = 2**53 - 2 + np.arange(ROWS) % 2
    found = proposed(pd.DataFrame({"x": NUMBERS, "y": labels}), tmp_path).problem
    assert [label for label, _rows in found.classes] == [2**53 - 2, 2**53 - 1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("large", [1e308, -1e308, 1e200])
def test_given_numbers_too_large_to_be_added_up_then_their_column_is_named_until_it_is_ignored(
    tmp_path: Path, large: float
) -> None:
    x = np.where(np.arange(ROWS) % 7 == 0, large, NUMBERS)
    frame = pd.DataFrame({"x": x, "z": NUMBERS, "y": COIN})
    with pytest.raises(FactoryError, match=r"x holds numbers too large .* --ignore-column 'x'"):
        proposed(frame, tmp_path)
    with pytest.raises(FactoryError, match=r"x holds numbers too large .* another --target-column"):
        proposed(frame, tmp_path, "x")

    found = proposed(frame, tmp_path, "y", Wishes(ignored=("x",)))
    assert roles(found) == {"x": "ignored", "z": "number"}
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["columns"][0]["mean"] is None


def test_given_no_target_then_candidates_are_named_and_ids_are_none(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [f"k{n}" for n in range(ROWS)], "x": NUMBERS, "left": COIN})
    with pytest.raises(UsageProblem, match="candidates: left, x"):
        proposed(frame, tmp_path, None)


def test_given_a_misspelt_target_then_the_near_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="did you mean churned"):
        proposed(pd.DataFrame({"x": NUMBERS, "churned": COIN}), tmp_path, "churnd")


def test_given_wishes_then_they_overrule(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": NUMBERS, "b": NUMBERS[::-1], "c": DRAW.normal(size=ROWS), "y": np.arange(ROWS) % 5})
    found = proposed(frame, tmp_path, "y", Wishes("regression", ("a",), "b", ()))
    assert found.problem.name == "regression"
    assert roles(found) == {"a": "id", "b": "time", "c": "number"}
    assert roles(proposed(frame, tmp_path, "y", Wishes(ignored=("c",))))["c"] == "ignored"
    with pytest.raises(UsageProblem, match="no column zzz"):
        proposed(frame, tmp_path, "y", Wishes(ignored=("zzz",)))
    for nothing in (Wishes(ignored=("",)), Wishes(time_column="")):
        with pytest.raises(UsageProblem, match="no column of no name: it has a, b, c, y"):
            proposed(frame, tmp_path, "y", nothing)
    for contrary in (Wishes(id_columns=("y",)), Wishes(ignored=("y",)), Wishes(time_column="y")):
        with pytest.raises(UsageProblem, match="y is the column to predict"):
            proposed(frame, tmp_path, "y", contrary)
    with pytest.raises(UsageProblem, match="needs a number"):
        proposed(frame.assign(y=COIN), tmp_path, "y", Wishes("regression"))


def test_given_an_input_with_a_name_that_predictions_get_then_it_is_refused_until_it_is_ignored(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": NUMBERS, "Prediction": NUMBERS[::-1], "y": COIN})
    with pytest.raises(UsageProblem, match=r"column Prediction .*--ignore-column 'Prediction'"):
        proposed(frame, tmp_path)
    assert roles(proposed(frame, tmp_path, wishes=Wishes(ignored=("Prediction",))))["Prediction"] == "ignored"
    with pytest.raises(UsageProblem, match=r"column split .*: rename it$"):
        proposed(frame.assign(split=COIN), tmp_path, wishes=Wishes(ignored=("Prediction", "split")))


def test_given_rows_in_the_order_of_a_date_then_it_is_the_time_and_a_birthday_is_not(tmp_path: Path) -> None:
    days = pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d")
    shuffled = DRAW.permutation(days)
    frame = pd.DataFrame({"d": days, "birth": shuffled, "x": NUMBERS, "y": COIN})
    assert roles(proposed(frame, tmp_path))["d"] == "time"
    assert proposed(pd.DataFrame({"birth_date": shuffled, "x": NUMBERS, "y": COIN}), tmp_path).time is None
    assert proposed(pd.DataFrame({"ordered_at": shuffled, "x": NUMBERS, "y": COIN}), tmp_path).time == "ordered_at"


def test_given_newest_rows_that_lack_a_class_then_rows_are_not_split_by_time_and_it_is_said(tmp_path: Path) -> None:
    days = pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d")
    target = np.where(np.arange(ROWS) < ROWS // 2, "old", "new")
    found = proposed(pd.DataFrame({"d": days, "x": NUMBERS, "y": target}), tmp_path)
    assert found.time is None
    assert any("the newest lack a class" in note for note in found.notes)


@pytest.mark.parametrize(
    ("leaking", "target", "role"),
    [
        (np.where(COIN == "yes", "gone", "here"), COIN, "copy"),
        (np.where(COIN == "yes", 5.0, 0.0) + NUMBERS / 100, COIN, "number"),
        (np.where(COIN == "yes", NUMBERS, np.nan), COIN, "number"),
        (2 * NUMBERS + 1, NUMBERS, "number"),
        (np.exp(NUMBERS), NUMBERS, "number"),
    ],
    ids=["other words", "near", "only there afterwards", "linear", "monotone"],
)
def test_given_a_column_that_gives_the_target_away_then_it_is_said(
    tmp_path: Path, leaking: Any, target: Any, role: str
) -> None:
    found = proposed(pd.DataFrame({"leaks": leaking, "x": DRAW.normal(size=ROWS), "y": target}), tmp_path)
    assert roles(found)["leaks"] == role
    said = [note for note in found.notes if note.startswith("leaks alone nearly tells y: ")]
    assert role == "copy" or ("list it in IGNORED" in said[0] and "--ignore-column 'leaks'" in said[0])
    assert not any(note.startswith("x ") for note in found.notes)


def test_given_a_column_that_gives_the_target_away_then_the_note_names_the_path_of_its_schema(tmp_path: Path) -> None:
    table = looked_at(pd.DataFrame({"leaks": 2 * NUMBERS, "x": DRAW.normal(size=ROWS), "y": NUMBERS}), tmp_path)
    notes = propose(table, "t.csv", "y", Wishes(), "src/churn/schema.py").notes
    way_out = "list it in IGNORED in src/churn/schema.py, take it out of features.py, then factory sample"
    assert any(f"{way_out}, or leave it out now" in note for note in notes)


def test_given_a_target_that_follows_the_time_then_new_and_train_alike_do_not_name_the_time(tmp_path: Path) -> None:
    days = pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d")
    frame = pd.DataFrame({"day": days, "x": DRAW.normal(size=ROWS), "sold": np.arange(ROWS) * 1.5})
    found = proposed(frame, tmp_path, "sold", Wishes(time_column="day"))
    assert [column.name for column in found.columns if column.leak] == []


@pytest.mark.parametrize(
    ("name", "named"), [("iris", ["petal length (cm)", "petal width (cm)"]), ("wine", []), ("diabetes", [])]
)
def test_given_a_table_with_strong_columns_then_only_those_above_the_bar_are_named(
    tmp_path: Path, name: str, named: list[str]
) -> None:
    columns = proposed(zoo.bundled(name)(), tmp_path, "target").columns
    assert [column.name for column in columns if column.leak] == named
    assert all(column.used for column in columns), "a note, no refusal"


@pytest.mark.heavy
def test_given_a_table_of_many_batches_then_it_adds_up_as_pandas_does(tmp_path: Path) -> None:
    rows = 150_000
    frame = pd.DataFrame({"x": DRAW.normal(size=rows), "c": DRAW.integers(0, 50, rows), "y": DRAW.integers(0, 2, rows)})
    frame.loc[rows - 1, "c"] = 1_000_000
    frame = pd.concat([frame, frame.head(700)])
    found = looked_at(frame, tmp_path)
    x, c = found.column("x"), found.column("c")
    assert x is not None
    assert c is not None
    assert (found.rows, found.equal) == (rows + 700, 700)
    assert (x.mean, x.deviation) == pytest.approx((frame["x"].mean(), frame["x"].std(ddof=0)))
    assert (x.lowest, x.highest) == (frame["x"].min(), frame["x"].max())
    assert x.distinct == pytest.approx(rows, rel=0.1)
    assert c.counts == {float(str(value)): count for value, count in frame["c"].value_counts().items()}
    assert 20_000 <= found.kept.num_rows <= 40_000


@pytest.mark.heavy
def test_given_numbers_that_turn_into_texts_far_down_then_all_of_the_column_is_counted_as_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["1"] * 200_000 + ["x"] * 10, "y": [0, 1] * 100_005})
    column = looked_at(frame, tmp_path).column("a")
    assert column is not None
    assert (column.kind, column.counts) == ("text", {"1": 200_000, "x": 10})


def test_given_more_values_than_are_counted_then_only_their_number_is_kept(tmp_path: Path) -> None:
    column = looked_at(pd.DataFrame({"a": [f"t {n}" for n in range(MOST_VALUES + 1)]}), tmp_path).column("a")
    assert column is not None
    assert column.counts is None
    assert column.distinct == MOST_VALUES + 1


@given(st.lists(st.one_of(st.integers(-(10**6), 10**6).map(str), st.just(""), st.just("NA")), min_size=1, max_size=50))
def test_given_any_whole_numbers_and_gaps_then_counts_and_limits_are_those_of_the_list(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str]
) -> None:
    frame = pd.DataFrame({"a": cells, "b": range(len(cells))})
    column = looked_at(frame, tmp_path_factory.mktemp("t")).column("a")
    numbers = [int(cell) for cell in cells if cell not in {"", "NA"}]
    assert column is not None
    assert column.missing == len(cells) - len(numbers)
    assert column.distinct == len(set(numbers))
    if numbers:
        assert (column.kind, column.lowest, column.highest) == ("integer", min(numbers), max(numbers))


def test_given_a_proposal_as_json_then_no_text_of_a_row_is_in_it(tmp_path: Path) -> None:
    found = proposed(pd.DataFrame({"town": ["canaryville"] * 100 + ["b"] * 100, "y": ["canary", "z"] * 100}), tmp_path)
    assert "canary" not in str(found.as_json())
