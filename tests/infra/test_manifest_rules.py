"""What a manifest may ask of an environment: rules over values, good ones and bad ones side by side."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aifactory_runtime.contract import Manifest, names
from infra.components.local import offer
from infra.conventions import people, sizes
from infra.policies.home_facts import measure
from infra.policies.manifest_rules import HomeFacts, idle, month, violations
from tests.infra.conftest import MANIFEST

FACTS = HomeFacts(today=date(2027, 1, 15), disk_gb=100.0)
"""92 days later is 2027-04-17."""


def manifest(**changes: Any) -> Manifest:
    """The good manifest with values changed; a key `prod__size` is that of an environment."""
    values = copy.deepcopy(MANIFEST)
    values["environments"]["dev"].pop("retraining")
    for key, value in changes.items():
        environment, _, name = key.rpartition("__")
        (values["environments"][environment] if environment else values)[name] = value
    return Manifest.model_validate(values)


def said(found: Manifest, environment: str, facts: HomeFacts = FACTS) -> list[str]:
    return [str(one) for one in violations(found, environment, facts)]


@pytest.mark.parametrize("environment", names.ENVIRONMENTS)
def test_given_an_ordinary_manifest_when_checked_then_nothing_is_said(environment: str) -> None:
    assert said(manifest(), environment) == []


@pytest.mark.parametrize("classification", ["public", "internal", "confidential"])
def test_given_data_that_may_leave_prod_when_trained_in_dev_then_nothing_is_said(classification: str) -> None:
    assert said(manifest(data_classification=classification, train_in="dev"), "dev") == []


def test_given_restricted_data_when_trained_in_dev_then_it_says_to_train_in_prod() -> None:
    found = manifest(data_classification="restricted", train_in="dev", prod__data_source="/secure/t.parquet")
    (sentence,) = said(found, "dev")
    assert sentence.startswith("train_in: ")
    assert "write train_in: prod" in sentence


@pytest.mark.parametrize("environment", ["dev", "staging"])
def test_given_restricted_data_when_prods_own_source_is_read_elsewhere_then_a_replica_is_asked_for(
    environment: str,
) -> None:
    found = manifest(data_classification="restricted", train_in="prod")
    (sentence,) = said(found, environment)
    assert sentence.startswith(f"environments.{environment}.data_source: data/sample.csv is prod's own")
    assert "masked or synthetic copy" in sentence
    assert said(found, "prod") == []
    other = {f"{environment}__data_source": "data/masked.csv"}
    assert said(manifest(data_classification="restricted", train_in="prod", **other), environment) == []


@pytest.mark.parametrize("size", sizes.SIZES)
@pytest.mark.parametrize("environment", names.ENVIRONMENTS)
def test_given_a_size_when_the_environment_does_not_give_it_then_those_it_gives_are_named(
    environment: str, size: str
) -> None:
    sentences = said(manifest(**{f"{environment}__size": size}), environment)
    if size in sizes.ALLOWED[environment]:
        assert sentences == []
    else:
        assert sentences == [
            "environments.dev.size: large is not available in dev; write small or medium (policy size-of-environment)"
        ]


def test_given_a_budget_when_a_month_costs_more_then_figure_and_ways_out_are_named() -> None:
    found = manifest(prod__budget_month=30, prod__quotas={"disk_gb": 5, "compute_hours": 20})
    assert month(found, "prod") == 30.5
    (sentence,) = said(found, "prod")
    assert sentence == (
        "environments.prod.budget_month: a month is charged at 30.5 (size small, 5 GB, 20 hours of compute) and the "
        "budget is 30; write budget_month: 30.5, a smaller size or smaller quotas (policy budget)"
    )
    assert said(found, "dev") == []


@pytest.mark.parametrize("budget", [0, 30.5, 31])
def test_given_no_budget_or_one_that_suffices_when_checked_then_nothing_is_said(budget: float) -> None:
    assert said(manifest(prod__budget_month=budget), "prod") == []


def test_given_a_budget_below_one_when_checked_then_it_is_one() -> None:
    (sentence,) = said(manifest(prod__budget_month=0.5), "prod")
    assert "the budget is 0.5" in sentence


def test_given_quotas_that_do_not_add_up_to_a_cent_when_charged_then_the_month_is_rounded() -> None:
    found = manifest(prod__quotas={"disk_gb": 0.36, "compute_hours": 1})
    assert month(found, "prod") == offer.SIZES["small"].month + 0.54


def test_given_people_without_environments_when_checked_then_their_persona_says_where_they_are() -> None:
    assert said(manifest(people={"data-scientist": ["bo"]}), "prod") == []


def test_given_batches_only_when_charged_then_there_is_no_service_to_pay() -> None:
    assert month(manifest(scoring="batch"), "prod") == month(manifest(), "prod") - offer.SIZES["small"].month


def test_given_a_bigger_size_when_charged_then_a_month_costs_more() -> None:
    costs = [month(manifest(prod__size=size), "prod") for size in ("small", "medium", "large")]
    assert costs == [30.5, 50.5, 90.5]


@pytest.mark.parametrize(("there", "proposed"), [(10.0, "8.0"), (0.05, "0.1")])
def test_given_a_quota_above_the_disk_when_refused_then_four_fifths_of_it_are_proposed(
    there: float, proposed: str
) -> None:
    (sentence,) = said(manifest(dev__quotas={"disk_gb": 12}), "dev", HomeFacts(FACTS.today, there))
    assert sentence.startswith(
        f"environments.dev.quotas.disk_gb: disk_gb is 12, but the disk of this home has only {there:.1f} GB left; "
    )
    assert f"write quotas: {{disk_gb: {proposed}}} or make room" in sentence


@given(asked=st.floats(0.1, 10_000), there=st.floats(0.0, 10_000))
def test_given_a_quota_of_disk_when_the_disk_has_less_then_and_only_then_it_is_refused(
    asked: float, there: float
) -> None:
    found = manifest(dev__quotas={"disk_gb": asked})
    sentences = said(found, "dev", HomeFacts(FACTS.today, there))
    assert bool(sentences) == (asked > there)
    assert all("environments.dev.quotas.disk_gb" in one and "write quotas: {disk_gb: " in one for one in sentences)


def test_given_a_full_disk_when_measured_then_what_the_use_case_holds_already_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "dev" / "churn" / "tables"
    folder.mkdir(parents=True)
    (folder / "part").write_bytes(b"x" * 1_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 2_000_000})())
    assert measure(tmp_path, manifest(), "dev", FACTS.today).disk_gb == pytest.approx(0.003)
    assert measure(tmp_path / "new", manifest(), "prod", FACTS.today).disk_gb == pytest.approx(0.002)
    record = tmp_path / "usecases" / "churn.dev.json"
    record.parent.mkdir()
    applied = manifest(dev__quotas={"disk_gb": 7}).model_dump(mode="json", by_alias=True, exclude_unset=True)
    record.write_text(json.dumps({"manifest": applied}))
    assert measure(tmp_path, manifest(), "dev", FACTS.today).disk_gb == 7, "what was promised stays so"
    record.write_text("broken")
    assert measure(tmp_path, manifest(), "dev", FACTS.today).disk_gb == pytest.approx(0.003)
    small = manifest(dev__quotas={"disk_gb": 0.001})
    found = measure(tmp_path, small, "dev", FACTS.today)
    assert found == HomeFacts(FACTS.today, 0.002, found.memory_gb)
    assert found.memory_gb > 0


def test_given_workers_when_they_take_more_than_the_machine_has_then_it_says_so() -> None:
    found = manifest(dev__compute={"engine": "dask", "workers": 3, "memory_gb": 2})
    assert said(found, "dev", HomeFacts(FACTS.today, 100.0, 6.0)) == []
    (sentence,) = said(found, "dev", HomeFacts(FACTS.today, 100.0, 5.9))
    assert sentence.startswith("environments.dev.compute: 3 workers of 2 GB take 6 GB, and this machine has 5.9; write")


def one_in(environment: str, persona: str = "data-scientist", **entry: Any) -> Manifest:
    return manifest(people={persona: [{"login": "bo", "environments": [environment], **entry}]})


@pytest.mark.parametrize(
    ("environment", "persona", "until"),
    [
        ("prod", "data-scientist", "2027-04-17"),
        ("prod", "data-scientist", "2026-01-01"),
        ("prod", "operator", None),
        ("prod", "model-validator", "2037-01-01"),
        ("dev", "data-scientist", None),
        ("staging", "data-scientist", "2037-01-01"),
    ],
)
def test_given_rights_that_stand_or_end_in_time_when_checked_then_nothing_is_said(
    environment: str, persona: str, until: str | None
) -> None:
    assert said(one_in(environment, persona, until=until), environment) == []


@pytest.mark.parametrize(("until", "wrong"), [(None, "without a last day"), ("2027-04-18", "until 2027-04-18")])
def test_given_prod_for_too_long_when_checked_then_the_last_day_to_write_is_named(
    until: str | None, wrong: str
) -> None:
    found = one_in("prod", until=until)
    (sentence,) = said(found, "prod")
    assert sentence == (
        f"people.data-scientist: bo would be in prod {wrong}; write until: 2027-04-17 or earlier, at most 92 days at "
        "a time (policy people-of-environment)"
    )
    assert said(found, "dev") == []


def test_given_a_persona_without_rights_there_when_named_then_it_says_where_it_has_some() -> None:
    (sentence,) = said(one_in("dev", "operator"), "dev")
    assert sentence.startswith("people.operator: bo is named for dev, where operator has no rights; ")
    assert "write environments: [staging, prod]" in sentence


def test_given_several_rules_broken_when_checked_then_all_are_said() -> None:
    found = manifest(dev__size="large", dev__quotas={"disk_gb": 500}, data_classification="restricted", train_in="dev")
    assert [one.policy for one in violations(found, "dev", FACTS)] == [
        "restricted-data-stay-in-prod",
        "restricted-data-stay-in-prod",
        "size-of-environment",
        "disk-of-home",
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"prod__approvers": ["vera"]}, "approvers: {}only vera may approve in prod"),
        ({"prod__approval": "none"}, "approval: {}approval: none asks nobody in prod"),
    ],
)
def test_given_high_risk_when_fewer_than_two_may_approve_then_it_says_to_name_two(
    asked: dict[str, Any], found: str
) -> None:
    why = "with risk: high the author of a change cannot approve it alone, and "
    assert said(manifest(risk="high", **asked), "prod") == [
        f"environments.prod.{found.format(why)}; write approval: required and two logins under approvers "
        "(policy two-approvers-for-high-risk)"
    ]
    assert said(manifest(risk="limited", **asked), "prod") == []
    assert said(manifest(risk="high", **asked), "staging") == [], "nobody is asked there"


def test_given_high_risk_when_a_validator_is_the_second_then_nothing_is_said_as_long_as_they_are_there() -> None:
    def with_vera_until(day: str | None) -> Manifest:
        member = {"login": "otto", "environments": ["prod"], **({"until": day} if day else {})}
        return manifest(risk="high", prod__approvers=["vera"], people={"model-validator": [member]})

    assert said(with_vera_until(None), "prod") == []
    assert said(with_vera_until("2027-01-15"), "prod") == []
    assert len(said(with_vera_until("2027-01-14"), "prod")) == 1
    assert said(manifest(risk="high"), "prod") == []
    both = {"staging__approval": "required", "staging__approvers": ["vera"]}
    assert "in staging" in said(manifest(risk="high", **both), "staging")[0]


def test_given_model_validators_when_asked_who_certifies_then_those_who_approve_there_today() -> None:
    listed = ["otto", {"login": "kim", "environments": ["prod"], "until": "2027-01-14"}]
    found = manifest(people={"model-validator": listed})

    assert people.validators(found, "prod", FACTS.today) == ("otto",)
    assert people.validators(found, "prod", date(2027, 1, 14)) == ("otto", "kim")
    assert people.validators(found, "staging", FACTS.today) == (), "nobody is asked there"


def test_given_a_cloud_when_previewed_then_what_bills_while_idle_is_said_and_dev_without_endpoint_costs_none() -> None:
    cloud = Manifest.model_validate({**MANIFEST, "target": "aws", "platform": "s3://platform"})

    said = idle(cloud, "prod")
    assert said is not None and "churn.prod: bills while idle: an endpoint of size small, charged at 90 a month" in said
    assert idle(cloud, "dev") is None
    assert idle(Manifest.model_validate(MANIFEST), "prod") is None
    assert month(cloud, "prod") - month(cloud, "dev") == 90
