"""Differences between groups: figures are fairlearn's, chance refuses nobody, few rows are said and not judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.gate import fairness
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.gate.evidence import Evidence
from aifactory_runtime.gate.slices import Placed

pytestmark = pytest.mark.heavy
NAMES = ("sex = F", "sex = M", "sex: any other", "sex: missing")


def answers(predicted: np.ndarray, classes: tuple[Any, ...] = (0, 1)) -> Answers:
    shares = np.array([[float(value == label) for label in classes] for value in predicted])
    return Answers(predicted, shares, classes)


def made(
    places: np.ndarray,
    labels: np.ndarray,
    said: Answers,
    metric: str = "equalized_odds",
    *,
    limit: float | None = 0.1,
    read: tuple[str, ...] = (),
    **belong: np.ndarray,
) -> Evidence:
    judged = fairness.Judged(labels, said, **belong)
    return fairness.of([Placed("sex", NAMES, places)], judged, metric, limit, read=read, seed=7)


def wrong(labels: np.ndarray, where: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Answers that are wrong with these chances."""
    return np.where(draw.random(len(labels)) < where, 1 - labels, labels)


def rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    draw = np.random.default_rng(seed)
    return draw.integers(0, 2, count), draw.integers(0, 2, count), draw


def figure(found: Evidence, name: str) -> dict[str, Any]:
    return next(one for one in found.report["found"] if one["figure"] == name)


def test_given_a_model_that_finds_fewer_of_one_group_when_judged_then_column_groups_and_figures_are_named() -> None:
    places, labels, draw = rows(1_000)
    found = made(places, labels, answers(wrong(labels, np.where(places == 1, 0.4, 0.05), draw)))
    assert len(found.objections) == 2 and not found.remarks
    assert found.objections[0].startswith(
        "fairness: equalized_odds differs by 0.4 between groups of sex, 0.1 at most: "
    )
    for part in ("between groups of sex, 0.1 at most", "for sex = F (", "for sex = M (", " rows)", "and no chance (p "):
        assert part in found.objections[0]


def test_given_any_model_when_measured_then_differences_are_those_of_fairlearn() -> None:
    places, labels, draw = rows(600)
    said = wrong(labels, np.where(places == 1, 0.3, 0.1), draw)
    found = made(places, labels, answers(said))
    known = {"y_true": labels, "y_pred": said, "sensitive_features": places}
    assert figure(found, "selection_rate")["value"] == pytest.approx(demographic_parity_difference(**known))
    odds = max(figure(found, name)["value"] for name in ("true_positive_rate", "false_positive_rate"))
    assert odds == pytest.approx(equalized_odds_difference(**known))
    accuracy = [(said == labels)[places == group].mean() for group in (0, 1)]
    assert figure(found, "accuracy")["value"] == pytest.approx(abs(accuracy[0] - accuracy[1]))


def test_given_fair_models_when_judged_then_chance_refuses_none_although_differences_are_large() -> None:
    refused = above = 0
    for seed in range(20):
        places, labels, draw = rows(200, seed)
        found = made(places, labels, answers(wrong(labels, np.full(200, 0.25), draw)))
        refused += bool(found.objections)
        above += max(figure(found, name)["value"] for name in ("true_positive_rate", "false_positive_rate")) > 0.1
    assert refused <= 1 and above > 5


@pytest.mark.parametrize(
    ("metric", "refused"), [("equalized_odds", False), ("demographic_parity", True), ("accuracy", False)]
)
def test_given_groups_that_differ_in_truth_when_judged_then_the_metric_of_the_settings_decides(
    metric: str, refused: bool
) -> None:
    places, _, draw = rows(1_000)
    labels = (draw.random(1_000) < np.where(places == 1, 0.8, 0.2)).astype(int)
    found = made(places, labels, answers(wrong(labels, np.full(1_000, 0.05), draw)), metric)
    assert bool(found.objections) == refused
    assert figure(found, "selection_rate")["value"] > 0.4, "shown whatever decides"


def test_given_a_group_of_few_rows_when_judged_then_it_is_said_and_decides_nothing() -> None:
    labels = np.tile([0, 1], 200)
    places = np.where(np.arange(400) < 58, 1, 0)
    found = made(places, labels, answers(np.where(places == 1, 1 - labels, labels)))
    assert not found.objections
    assert "fairness: too few rows to judge the true positive rate of 1 of sex = M (29)" in found.remarks
    assert figure(found, "true_positive_rate")["few"] == {"sex = M": 29}
    assert figure(found, "true_positive_rate")["found"] is None, "no figure of few persons"
    assert made(places, labels, answers(np.where(places == 1, 1 - labels, labels)), "accuracy").objections


def test_given_a_group_without_a_positive_row_when_judged_then_it_is_said() -> None:
    places, labels, _ = rows(400)
    labels[places == 1] = 0
    found = made(places, labels, answers(labels.copy()))
    assert figure(found, "true_positive_rate")["few"] == {"sex = M": 0}
    assert any("no two groups have 30 rows that count for the true positive rate" in one for one in found.remarks)


def test_given_no_limit_when_judged_then_a_difference_is_remarked_and_refuses_nothing() -> None:
    places, labels, draw = rows(1_000)
    said = answers(wrong(labels, np.where(places == 1, 0.4, 0.05), draw))
    found = made(places, labels, said, limit=None, read=("sex", "age"))
    assert not found.objections
    assert found.remarks[0].startswith("fairness: equalized_odds differs by ") and "at most" not in found.remarks[0]
    assert "fairness: the model reads sex" in found.remarks and found.report["read_by_the_model"] == ["sex"]


def test_given_rows_of_few_families_or_of_one_week_when_judged_then_they_do_not_count_one_by_one() -> None:
    """A figure that differs between families or weeks differs between any groups of whole families or weeks."""
    family = np.repeat(np.arange(60), 10)
    labels = np.tile([0, 1], 300)
    refused = {"alone": 0, "groups": 0}
    for seed in range(5):
        draw = np.random.default_rng(seed)
        places, hard = draw.permutation(60)[family] % 2, draw.integers(0, 2, 60)[family]
        said = answers(wrong(labels, hard * 0.9, draw))
        refused["alone"] += bool(made(places, labels, said, "accuracy", limit=0.0).objections)
        refused["groups"] += bool(made(places, labels, said, "accuracy", limit=0.0, groups=family).objections)
    assert refused["alone"] > 1 and refused["groups"] <= 1


def test_given_too_few_rows_in_time_when_judged_then_it_is_said_that_chance_cannot_be_told() -> None:
    labels = np.tile([0, 1], 40)
    places = np.random.default_rng(1).integers(0, 2, 80)
    said = answers(np.where(places == 1, 1 - labels, labels))
    found = made(places, labels, said, "accuracy", times=np.arange(80))
    assert not found.objections
    assert "fairness: sex: so few rows cannot tell from chance what accuracy differs by" in found.remarks
    places = np.random.default_rng(0).integers(0, 2, 2_000)
    labels = np.tile([0, 1], 1_000)
    said = answers(np.where(places == 1, 1 - labels, labels))
    assert made(places, labels, said, "accuracy", times=np.arange(2_000)).objections


def test_given_more_than_two_classes_when_judged_then_each_is_looked_at() -> None:
    draw = np.random.default_rng(0)
    places, labels = draw.integers(0, 2, 1_500), draw.choice(["a", "b", "c"], 1_500)
    said = np.where((labels == "c") & (places == 1), "a", labels)
    found = made(places, labels, answers(said, ("a", "b", "c")))
    assert any("true positive rate of c" in one for one in found.objections)
    assert not any("of b" in one for one in found.objections)


@pytest.mark.parametrize(("metric", "refused"), [("absolute_error", False), ("mean_error", True)])
def test_given_a_regression_when_judged_then_errors_are_shares_of_all_rows_error(metric: str, refused: bool) -> None:
    places, _, draw = rows(1_000)
    labels = draw.normal(size=1_000) * 100
    said = Answers(labels + np.where(places == 1, -5.0, 5.0), None)
    found = made(places, labels, said, metric)
    assert bool(found.objections) == refused
    assert figure(found, "mean_error")["value"] == pytest.approx(2.0)
    assert figure(found, "mean_error")["found"]["sex = M"][0] == pytest.approx(-5.0)


def test_given_a_metric_of_another_problem_when_chosen_then_it_is_refused_with_those_that_fit() -> None:
    with pytest.raises(FactoryError, match="accuracy is none of a regression; use one of absolute_error, mean_error"):
        fairness.chosen("accuracy", "regression")
    assert fairness.chosen(None, "classification") == "equalized_odds"
    assert fairness.chosen(None, "regression") == "absolute_error"


def test_given_no_columns_when_judged_then_the_report_says_that_nothing_is_checked() -> None:
    found = fairness.of(
        [], fairness.Judged(np.zeros(3), Answers(np.zeros(3), None)), "mean_error", 0.1, read=(), seed=0
    )
    assert found.report["notes"] == [fairness.NOT_NAMED] and not found.objections and not found.remarks
