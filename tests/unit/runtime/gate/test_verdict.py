"""The gate: what passes is better than the baseline and not worse than the champion; no figure that is none passes."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.config.settings import GateSettings
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.gate import metrics as metrics_of
from aifactory_runtime.gate import verdict

SETTINGS = GateSettings(metric="roc_auc", min_gain_over_baseline=0.02, max_loss_to_champion=0.01)
GOOD = {
    "roc_auc": 0.99,
    "baseline.roc_auc": 0.5,
    "chance.roc_auc": 0.001,
    "reference.roc_auc": 0.99,
    "champion.roc_auc": 0.9,
}
figure = st.floats(0, 1)


def judge(
    candidate: float,
    baseline: float,
    reference: float = 0.9,
    champion: float | None = None,
    *,
    p: float = 0.001,
    least_p: float = 0.001,
    settings: GateSettings = SETTINGS,
) -> verdict.Verdict:
    metrics = {
        "roc_auc": candidate,
        "baseline.roc_auc": baseline,
        "chance.roc_auc": p,
        "reference.roc_auc": reference,
    }
    if champion is not None:
        metrics["champion.roc_auc"] = champion
    return verdict.judge(
        metrics, "roc_auc", settings, {"model_sha256": "a"}, champion=champion is not None, least_p=least_p
    )


def test_given_a_gain_over_the_baseline_when_there_is_no_champion_then_it_passes() -> None:
    assert judge(0.9, 0.5).passed


def test_given_no_better_than_baseline_when_judged_then_refused_with_both_figures() -> None:
    found = judge(0.51, 0.5)
    assert not found.passed
    assert "0.51 " in found.reasons[0]
    assert "0.5" in found.reasons[0]


def test_given_worse_than_champion_on_reference_when_judged_then_refused() -> None:
    found = judge(0.9, 0.5, reference=0.85, champion=0.9)
    assert not found.passed
    assert "champion" in found.reasons[0]


def test_given_little_worse_than_champion_when_within_the_margin_then_it_passes() -> None:
    assert judge(0.9, 0.5, reference=0.895, champion=0.9).passed


def test_given_log_loss_when_judged_then_less_is_better() -> None:
    metrics = {"log_loss": 0.3, "baseline.log_loss": 0.6, "chance.log_loss": 0.001, "reference.log_loss": 0.3}
    assert verdict.judge(metrics, "log_loss", SETTINGS, {}, champion=False).passed
    assert not verdict.judge({**metrics, "log_loss": 0.7}, "log_loss", SETTINGS, {}, champion=False).passed
    assert not verdict.judge({**metrics, "champion.log_loss": 0.2}, "log_loss", SETTINGS, {}, champion=True).passed


def errors(candidate: float, baseline: float, reference: float, champion: float) -> verdict.Verdict:
    metrics = {"mae": candidate, "baseline.mae": baseline, "chance.mae": 0.001}
    metrics |= {"reference.mae": reference, "champion.mae": champion}
    return verdict.judge(metrics, "mae", SETTINGS, {}, champion=True)


ERRORS = st.just(0.0) | st.floats(1e-9, 1e9)
"""Smaller ones lose digits when the unit changes."""


@given(*[ERRORS] * 4, st.sampled_from([1e-6, 1.0, 1e6]))
def test_given_errors_when_judged_then_gain_and_loss_are_shares_whatever_the_unit(
    candidate: float, baseline: float, reference: float, champion: float, unit: float
) -> None:
    found = errors(candidate, baseline, reference, champion)
    assert found.passed == (candidate < baseline and candidate <= baseline * 0.98 and reference <= champion * 1.01)
    clear = abs(candidate - baseline * 0.98) > 1e-6 * baseline and abs(reference - champion * 1.01) > 1e-6 * champion
    if clear:
        assert errors(*(unit * value for value in (candidate, baseline, reference, champion))).passed == found.passed


def test_given_an_objection_of_training_when_judged_then_refused_with_it() -> None:
    metrics = {"roc_auc": 0.9, "baseline.roc_auc": 0.5, "chance.roc_auc": 0.001, "reference.roc_auc": 0.9}
    found = verdict.judge(metrics, "roc_auc", SETTINGS, {}, champion=False, objections=["too good on training rows"])
    assert not found.passed
    assert found.reasons == ("too good on training rows",)


@pytest.mark.parametrize(
    ("metric", "problem", "expected"),
    [
        (None, "classification", "roc_auc"),
        (None, "regression", "rmse"),
        ("f1", "classification", "f1"),
        ("mae", "regression", "mae"),
    ],
)
def test_given_a_problem_when_its_metric_is_chosen_then_it_fits(
    metric: str | None, problem: str, expected: str
) -> None:
    assert metrics_of.chosen(metric, problem) == expected


@pytest.mark.parametrize(
    ("metric", "problem"), [("roc_auc", "regression"), ("rmse", "classification"), ("x", "regression")]
)
def test_given_a_metric_of_another_problem_when_chosen_then_those_that_fit_are_named(metric: str, problem: str) -> None:
    with pytest.raises(UsageProblem, match="use one of"):
        metrics_of.chosen(metric, problem)


@given(figure, figure, figure, st.none() | figure)
def test_given_any_figures_when_passed_then_the_thresholds_hold(
    candidate: float, baseline: float, reference: float, champion: float | None
) -> None:
    found = judge(candidate, baseline, reference, champion)
    holds = candidate - baseline >= 0.02 and (champion is None or champion - reference <= 0.01)
    assert found.passed == holds
    assert bool(found.reasons) != found.passed


@given(
    st.sampled_from(list(GOOD)),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)
def test_given_a_figure_that_is_no_number_when_judged_then_never_passed(name: str, bad: float) -> None:
    metrics = {**GOOD, name: bad}
    found = verdict.judge(metrics, "roc_auc", SETTINGS, {}, champion=True)
    assert not found.passed
    assert name in found.reasons[0]


@given(st.sampled_from(list(GOOD)))
def test_given_a_figure_is_missing_when_judged_then_never_passed(name: str) -> None:
    metrics = dict(GOOD)
    del metrics[name]
    assert not verdict.judge(metrics, "roc_auc", SETTINGS, {}, champion=True).passed


@given(st.permutations(["roc_auc", "baseline.roc_auc", "chance.roc_auc", "reference.roc_auc"]))
def test_given_equal_inputs_in_any_order_when_judged_then_the_digest_is_equal(order: list[str]) -> None:
    values = {"roc_auc": 0.9, "baseline.roc_auc": 0.5, "chance.roc_auc": 0.001, "reference.roc_auc": 0.8}
    found = verdict.judge({name: values[name] for name in order}, "roc_auc", SETTINGS, {"b": 1, "a": 2}, champion=False)
    assert found.sha256 == verdict.judge(values, "roc_auc", SETTINGS, {"a": 2, "b": 1}, champion=False).sha256


def test_given_another_model_when_judged_then_the_digest_differs() -> None:
    metrics = {"roc_auc": 0.9, "baseline.roc_auc": 0.5, "chance.roc_auc": 0.001, "reference.roc_auc": 0.8}
    one, other = (
        verdict.judge(metrics, "roc_auc", SETTINGS, {"model_sha256": name}, champion=False).sha256 for name in "ab"
    )
    assert one != other


def test_given_a_verdict_when_reported_then_the_report_holds_all_that_was_judged_and_its_digest_stays() -> None:
    """The digest is what people approve: it may not change with the code that makes it."""
    found = judge(0.51, 0.5, champion=0.95)
    assert found.report == {
        "metric": "roc_auc",
        "figures": {
            "roc_auc": 0.51,
            "baseline.roc_auc": 0.5,
            "chance.roc_auc": 0.001,
            "reference.roc_auc": 0.9,
            "champion.roc_auc": 0.95,
        },
        "settings": {"metric": "roc_auc", "min_gain_over_baseline": 0.02, "max_loss_to_champion": 0.01},
        "facts": {"model_sha256": "a"},
        "passed": False,
        "reasons": [
            "roc_auc 0.51 is not 0.02 better than the baseline's 0.5",
            "roc_auc 0.9 on the reference is more than 0.01 worse than the champion's 0.95",
        ],
        "remarks": [],
    }
    assert verdict.digest({"b": [1, "x"], "a": None}) == hashlib.sha256(b'{"a":null,"b":[1,"x"]}').hexdigest()
    assert found.sha256 == verdict.digest(found.report)
    assert judge(0.9, 0.5).report["passed"] is True


def test_given_a_report_with_a_figure_that_is_none_when_digested_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        verdict.digest({"figure": math.nan})


def test_given_figures_that_are_none_when_judged_then_the_report_holds_null_and_each_reason() -> None:
    found = judge(math.nan, math.inf)
    assert found.report["figures"] == {
        "roc_auc": None,
        "baseline.roc_auc": None,
        "chance.roc_auc": 0.001,
        "reference.roc_auc": 0.9,
    }
    assert found.reasons == ("roc_auc is not a finite number", "baseline.roc_auc is not a finite number")


@pytest.mark.parametrize(("candidate", "passed"), [(0.75, True), (0.7499, False)])
def test_given_exactly_the_gain_when_judged_then_it_passes(candidate: float, passed: bool) -> None:
    settings = GateSettings(metric="roc_auc", min_gain_over_baseline=0.25, max_loss_to_champion=0.25)
    assert judge(candidate, 0.5, reference=candidate, champion=1.0, settings=settings).passed is passed


def test_given_an_error_at_its_limits_when_judged_then_it_passes_and_beyond_it_is_said_in_percent() -> None:
    settings = GateSettings(metric="mae", min_gain_over_baseline=0.25, max_loss_to_champion=0.25)
    metrics = {"mae": 3.0, "baseline.mae": 4.0, "chance.mae": 0.01, "reference.mae": 5.0, "champion.mae": 4.0}
    assert verdict.judge(metrics, "mae", settings, {}, champion=True).passed
    worse = {**metrics, "mae": 3.01, "reference.mae": 5.01}
    assert verdict.judge(worse, "mae", settings, {}, champion=True).reasons == (
        "mae 3.01 is not 25 % better than the baseline's 4",
        "mae 5.01 on the reference is more than 25 % worse than the champion's 4",
    )


@pytest.mark.parametrize(("p", "passed"), [(0.01, True), (0.0101, False), (0.001, True), (1.0, False)])
def test_given_chance_at_its_limit_when_judged_then_it_passes_and_beyond_it_not(p: float, passed: bool) -> None:
    found = judge(0.9, 0.5, p=p)
    assert found.passed is passed
    if not passed:
        assert found.reasons == (
            f"roc_auc is no better than chance: labels shuffled at random do as well in {100 * p:.3g} % of all cases",
        )


@pytest.mark.parametrize(("least_p", "said"), [(0.01, "no better than chance"), (0.0101, "enlarge data.test_share")])
def test_given_too_few_test_rows_when_judged_then_refused_with_what_to_do(least_p: float, said: str) -> None:
    found = judge(1.0, 0.5, p=0.05, least_p=least_p)
    assert len(found.reasons) == 1
    assert said in found.reasons[0]


@pytest.mark.parametrize(("candidate", "passed"), [(0.5, False), (0.49999, False), (0.50001, True)])
def test_given_no_gain_is_asked_for_when_judged_then_equal_to_the_baseline_is_not_better(
    candidate: float, passed: bool
) -> None:
    settings = GateSettings(min_gain_over_baseline=0.0)
    found = judge(candidate, 0.5, settings=settings)
    assert found.passed is passed
    if not passed:
        assert found.reasons == (f"roc_auc {candidate:.6g} is not better than the baseline's 0.5",)


@pytest.mark.parametrize(("candidate", "passed"), [(0.0, False), (4.0, False), (3.999, True)])
def test_given_no_gain_is_asked_for_when_an_error_is_judged_then_less_than_the_baseline_s_passes(
    candidate: float, passed: bool
) -> None:
    settings = GateSettings(min_gain_over_baseline=0.0)
    metrics = {"mae": candidate, "baseline.mae": 4.0 if candidate else 0.0, "chance.mae": 0.001, "reference.mae": 1.0}
    assert verdict.judge(metrics, "mae", settings, {}, champion=False).passed is passed


def test_given_no_gain_is_asked_for_when_chance_does_as_well_then_refused() -> None:
    assert not judge(0.6, 0.5, p=0.3, settings=GateSettings(min_gain_over_baseline=0.0)).passed


def test_given_another_figure_worse_than_the_baseline_s_when_judged_then_it_is_remarked_and_passes() -> None:
    more = {"f1": 0.2, "baseline.f1": 0.4, "log_loss": 0.7, "baseline.log_loss": 0.6, "accuracy": 0.5}
    metrics = {**GOOD, **more, "baseline.accuracy": 0.5}
    found = verdict.judge(metrics, "roc_auc", SETTINGS, {}, champion=True)
    assert found.passed
    assert found.remarks == (
        "f1 0.2 is worse than the baseline's 0.4, though roc_auc is better",
        "log_loss 0.7 is worse than the baseline's 0.6, though roc_auc is better",
    )
    assert found.report["remarks"] == list(found.remarks)
    worse = verdict.judge({**metrics, "roc_auc": 0.4}, "roc_auc", SETTINGS, {}, champion=True)
    assert not worse.passed and worse.remarks == ()


def test_given_a_better_champion_when_refused_then_the_way_out_is_said_with_that_reason_only() -> None:
    how: dict[str, Any] = {"champion": True, "way_out": "list it in IGNORED"}
    worse = verdict.judge({**GOOD, "reference.roc_auc": 0.8}, "roc_auc", SETTINGS, {}, **how)
    assert worse.reasons == (
        "roc_auc 0.8 on the reference is more than 0.01 worse than the champion's 0.9; list it in IGNORED",
    )
    poor = verdict.judge({**GOOD, "roc_auc": 0.5}, "roc_auc", SETTINGS, {}, **how)
    assert not poor.passed and "IGNORED" not in " ".join(poor.reasons)
    assert verdict.judge(GOOD, "roc_auc", SETTINGS, {}, **how).passed


def test_given_notes_on_the_run_when_judged_then_they_are_remarks_whatever_the_verdict() -> None:
    for metrics in (GOOD, {**GOOD, "roc_auc": 0.4}):
        found = verdict.judge(metrics, "roc_auc", SETTINGS, {}, champion=True, notes=["fee tells churned"])
        assert found.remarks == ("fee tells churned",)
        assert found.report["remarks"] == ["fee tells churned"]


def test_given_other_memory_and_time_when_digested_then_the_report_is_the_same_and_its_size_counts() -> None:
    def digest(**weighed: float) -> str:
        return verdict.digest({"passed": True, "footprint": {"model_bytes": 10, **weighed}})

    assert digest(memory_bytes=1, latency_ms=2.0) == digest(memory_bytes=3, latency_ms=4.0) == digest()
    assert digest(model_bytes=11) != digest()
