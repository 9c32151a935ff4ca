"""Who may extend or stop a live test, and for how long."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.livetest import acting
from tests.unit.runtime.release.parts import contract


def with_login(folder: Path, roles: list[str]) -> EnvironmentContract:
    """Prod, whose owner ana has these roles."""
    place = folder / "ana.json"
    place.write_text(json.dumps({"identity": "ana", "login": "ana.churn.prod", "password": "x", "roles": roles}))
    place.chmod(0o600)
    return contract("prod", credentials_file=str(place))


@pytest.mark.parametrize("role", acting.MAY)
def test_given_a_login_with_a_role_that_may_when_it_acts_then_the_audit_log_has_that_login(
    tmp_path: Path, role: str
) -> None:
    assert acting._who(with_login(tmp_path, ["stakeholder", role]), "ana") == "ana.churn.prod"
    assert acting._who(with_login(tmp_path, [role]), None) == "ana.churn.prod"


@pytest.mark.parametrize("roles", [[], ["stakeholder"], ["data-engineer", "software-engineer"]])
def test_given_a_login_without_such_a_role_when_it_acts_then_it_is_refused_and_told_who_may(
    tmp_path: Path, roles: list[str]
) -> None:
    with pytest.raises(UsageProblem, match="ana may not decide over live tests; who may: data-scientist, ml-engineer"):
        acting._who(with_login(tmp_path, roles), "ana")


@pytest.mark.parametrize("by", ["0d", "week", "-1d", "7"])
def test_given_no_length_of_time_when_extended_then_it_says_what_to_write(tmp_path: Path, by: str) -> None:
    with pytest.raises(UsageProblem, match=r"write .*12h"):
        acting.extend(tmp_path, "prod", None, by, "why")
