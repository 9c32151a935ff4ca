"""Whom the scoring service lets in, and for how long."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.serving.callers import Caller, Callers
from aifactory_runtime.serving.process import callers_of
from infra.providers.local import admission
from tests.unit.runtime.serving_parts import admit

NOON = 1_800_100_800.0  # 2027-01-16, 12:00 UTC


def test_given_two_callers_when_asked_then_each_token_is_let_in_and_no_other(tmp_path: Path) -> None:
    admit(tmp_path, "one", caller="ana")
    admit(tmp_path, "two", caller="bo")
    callers = Callers(tmp_path)
    assert [callers.admits(token) for token in ("one", "two", "three", "")] == [True, True, False, False]


def test_given_callers_when_listed_then_each_once_with_its_last_end_and_without_those_whose_time_is_over(
    tmp_path: Path,
) -> None:
    for login, last_day in (("bo", "2027-01-16"), ("ana", None), ("cy", "2027-01-14")):
        admission.write(tmp_path / f"{login}.json", login, ["operator"], admission.entries(login, last_day, []))
    listed = Callers(tmp_path).bearers(NOON)
    assert [(one.login, sorted(one.roles), end - NOON) for one, end in listed] == [
        ("ana", ["operator"], float("inf")),
        ("bo", ["operator"], 12 * 3600),
    ]


@pytest.mark.parametrize(("last_day", "let_in"), [(None, True), ("2027-01-16", True), ("2027-01-15", False)])
def test_given_a_last_day_when_provisioned_then_the_token_is_good_to_the_end_of_it(
    tmp_path: Path, last_day: str | None, let_in: bool
) -> None:
    admission.write(tmp_path / "ana.json", "ana.churn.prod", ["operator"], admission.entries("secret", last_day, []))
    assert Callers(tmp_path).admits("secret", NOON) is let_in
    assert "secret" not in (tmp_path / "ana.json").read_text()
    assert (tmp_path / "ana.json").stat().st_mode & 0o777 == 0o600


def test_given_a_token_when_asked_who_bears_it_then_login_and_roles_are_those_that_provisioning_wrote(
    tmp_path: Path,
) -> None:
    admission.write(tmp_path / "ana.json", "ana.churn.prod", ["operator"], admission.entries("new", None, []))
    admit(tmp_path, "old", caller="app")
    (tmp_path / "bo.json").write_text('{"login": "bo", "roles": 7, "accepts": [{"sha256": "x", "until": null}]}')
    callers = Callers(tmp_path)
    assert callers.who("new") == Caller("ana.churn.prod", frozenset({"operator"}))
    assert callers.who("old") == Caller("app", frozenset({"consumer"})), "written by an earlier release"
    assert callers.who("other") is None


def test_given_a_file_of_a_caller_when_provisioned_again_then_other_roles_are_seen(tmp_path: Path) -> None:
    wanted = admission.entries("new", None, [])
    path = tmp_path / "ana.json"
    admission.write(path, "ana", ["operator"], wanted)
    assert admission.status_of(path, ["operator"], wanted) is None
    assert admission.status_of(path, ["domain-expert"], wanted) == "the scoring service knows other roles of it"
    path.write_text(json.dumps({"login": "app", "accepts": wanted}))
    assert admission.status_of(path, ["consumer"], wanted) is None, "as an earlier release wrote it"


def test_given_a_token_that_retires_when_its_time_is_over_then_only_the_new_one_is_let_in(tmp_path: Path) -> None:
    retiring = admission.entry("old", "2027-01-16T12:00:10+00:00")
    admission.write(tmp_path / "ana.json", "ana.churn.prod", ["operator"], admission.entries("new", None, [retiring]))
    callers = Callers(tmp_path)
    assert [callers.admits(token, NOON) for token in ("old", "new")] == [True, True]
    assert [callers.admits(token, NOON + 10) for token in ("old", "new")] == [False, True]


def test_given_a_caller_taken_away_when_asked_then_they_are_refused_at_once(tmp_path: Path) -> None:
    path = admit(tmp_path, "one")
    callers = Callers(tmp_path)
    os.utime(path, ns=(1, 1))
    assert callers.admits("one")
    path.unlink()
    assert not callers.admits("one")


@pytest.mark.parametrize("content", ["", "broken", "[]", '{"accepts": [1]}', '{"accepts": [{"sha256": "x"}]}'])
def test_given_a_damaged_file_when_asked_then_it_lets_nobody_in_and_the_others_stay(
    tmp_path: Path, content: str
) -> None:
    admit(tmp_path, "one", caller="ana")
    (tmp_path / "bo.json").write_text(content)
    callers = Callers(tmp_path)
    assert callers.admits("one")
    assert not callers.admits("x")


def test_given_no_folder_when_asked_then_nobody_is_let_in(tmp_path: Path) -> None:
    assert not Callers(tmp_path / "gone").admits("one")


def test_given_an_environment_of_an_older_factory_when_served_then_it_is_refused_rather_than_left_open() -> None:
    uris = dict.fromkeys(("data_uri", "artifact_uri", "capture_uri", "release_uri", "snapshot_uri"), "/x")
    uris |= dict.fromkeys(("audit_uri", "events_uri", "logs_uri", "tracking_uri", "registry_uri"), "/x")
    known = {"use_case": "churn", "environment": "prod", "identity": "service", "experiment": "e", "model_name": "m"}
    contract = EnvironmentContract.model_validate({**uris, **known, "data_source": "d"})
    assert callers_of(contract) is None
    with pytest.raises(FactoryError, match="factory up prod"):
        callers_of(contract.model_copy(update={"endpoint_token_file": "/t"}))
    assert callers_of(contract.model_copy(update={"endpoint_callers_uri": "/c"})) == Callers(Path("/c"))
