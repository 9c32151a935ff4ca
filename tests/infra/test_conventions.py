"""The tables: complete, and the same as what the contract and the documentation say."""

from __future__ import annotations

import copy
import re
from datetime import date
from typing import Any, get_args

import pytest

from aifactory_runtime.contract import Manifest, manifest, names
from infra.components.local import grants
from infra.conventions import people, personas, sizes, tags
from infra.services import anchoring
from tests.infra.conftest import MANIFEST
from tests.infra.engine import ROOT

TODAY = date(2027, 1, 15)
ENDED, TO_COME = "2027-01-14", "2027-01-31"


def with_people(**listed: list[Any]) -> Manifest:
    values = copy.deepcopy(MANIFEST)
    values["people"] = {persona.replace("_", "-"): members for persona, members in listed.items()}
    return Manifest.model_validate(values)


def held(found: Manifest, environment: str) -> dict[str, list[str]]:
    return {login: list(roles) for login, roles in people.held(found, environment, TODAY).items()}


def test_every_persona_and_identity_is_in_the_table() -> None:
    assert tuple(personas.PERSONAS) == names.PERSONAS
    assert set(personas.IDENTITIES) | {personas.OWNER} == set(names.ROLES)


def test_the_table_of_identities_is_the_one_in_the_documentation() -> None:
    text = (ROOT / "docs" / "interfaces.md").read_text(encoding="utf-8")
    for role in names.ROLES:
        row = re.search(rf"^\| {role} \| (\w+) \| (\w+) \|", text, re.MULTILINE)
        assert row, role
        for environment in names.ENVIRONMENTS:
            rights = grants.grants(role, environment)
            assert rights.experiment == rights.model == row[1 if environment == "dev" else 2]


def test_only_release_may_write_in_staging_and_prod() -> None:
    everyone = personas.PERSONAS | personas.IDENTITIES
    for environment in ("staging", "prod"):
        there = {role: grants.grants(role, environment) for role, one in everyone.items() if one.rights(environment)}
        writers = [role for role, found in there.items() if {found.experiment, found.model} - {grants.READ, None}]
        assert writers == [names.RELEASE]


def test_nobody_has_a_token_where_the_service_asks_for_none() -> None:
    everyone = personas.PERSONAS | personas.IDENTITIES
    places = [(role, place) for role, one in everyone.items() for place in one.anywhere]
    with_token = {place for role, place in places if grants.grants(role, place).token}
    assert with_token == set(personas.TOKEN_GUARDED)


def test_rights_where_a_role_has_none_are_an_error() -> None:
    with pytest.raises(KeyError, match="operator in dev"):
        personas.rights("operator", "dev")


def test_given_bare_logins_when_asked_then_they_are_where_their_persona_stands() -> None:
    found = with_people(data_scientist=["bo"], operator=["otto"])
    assert held(found, "dev") == {"ana": ["data-scientist"], "bo": ["data-scientist"]}
    assert held(found, "staging") == {"ana": ["data-scientist"], "bo": ["data-scientist"], "otto": ["operator"]}
    assert held(found, "prod") == {
        "ana": ["data-scientist"],
        "vera": ["approver"],
        "otto": ["approver", "operator"],
    }


@pytest.mark.parametrize(("until", "there"), [(None, True), (ENDED, False), ("2027-01-15", True), (TO_COME, True)])
def test_given_a_last_day_when_it_is_over_then_nothing_is_held(until: str | None, there: bool) -> None:
    entry = {"login": "bo", "environments": ["prod"], "until": until}
    found = with_people(data_scientist=["bo", entry])
    assert ("bo" in held(found, "prod")) is there
    assert held(found, "dev")["bo"] == ["data-scientist"]


def test_given_an_environment_where_a_persona_has_no_rights_when_named_then_nobody_is_there() -> None:
    found = with_people(operator=[{"login": "otto", "environments": ["dev"]}])
    assert "otto" not in held(found, "dev")
    assert held(found, "staging") == {"ana": ["data-scientist"]}


def test_given_a_validator_when_approval_is_required_then_they_approve_there_until_their_last_day() -> None:
    found = with_people(model_validator=["max", {"login": "eva", "until": ENDED}])
    assert people.approvers(found, "prod", TODAY) == ("vera", "otto", "max")
    assert people.approvers(found, "prod", date(2027, 1, 14)) == ("vera", "otto", "max", "eva")
    assert people.approvers(found, "dev", TODAY) == ()
    assert held(found, "prod")["max"] == ["model-validator", "approver"]


def test_given_personas_with_a_token_when_asked_then_it_lasts_as_long_as_the_longest() -> None:
    found = with_people(
        software_engineer=["sue", {"login": "sue", "environments": ["prod"], "until": TO_COME}],
        operator=[{"login": "sue", "until": "2027-01-20"}, "otto"],
        stakeholder=["sam"],
    )
    calls = {name: {one.login: one.until for one in people.callers(found, name, TODAY)} for name in names.ENVIRONMENTS}
    assert calls["dev"] == {}
    assert calls["staging"] == {"ana": None, "sue": None, "otto": None}
    assert calls["prod"] == {"sue": date(2027, 1, 31), "otto": None}


def test_given_one_role_twice_when_held_then_that_of_owner_or_approver_counts() -> None:
    found = with_people(data_scientist=[{"login": "ana", "environments": ["prod"], "until": TO_COME}])
    assert people.held(found, "prod", TODAY)["ana"]["data-scientist"].until is None
    listed = with_people(model_validator=[{"login": "vera", "until": TO_COME}])
    assert people.held(listed, "prod", TODAY)["vera"]["approver"].key == "environments.prod.approvers"


def test_every_size_of_the_manifest_is_bounded() -> None:
    assert set(sizes.SIZES) == set(get_args(manifest.Size))


def test_use_case_and_platform_carry_exactly_the_mandatory_tags() -> None:
    of_use_case = tags.of_use_case(Manifest.model_validate(MANIFEST), "dev")
    for found in (of_use_case, tags.of_platform("shared")):
        assert set(found) == set(tags.MANDATORY)
        assert all(found.values())


def rendered() -> str:
    """The table of personas as the documentation shows it."""

    def cell(role: str, environment: str) -> str:
        rights = personas.PERSONAS[role].rights(environment)
        if rights is None:
            return "-"
        there = grants.grants(role, environment)
        seen = f"runs {there.experiment.lower()}, " if there.experiment else ""
        token = ", token" if there.token else ""
        return f"{seen}model {there.model.lower()}{token}{'' if rights.standing else '; for a time'}"

    rows = [
        f"| {name} | {persona.does} | {' | '.join(cell(name, place) for place in names.ENVIRONMENTS)} |"
        for name, persona in personas.PERSONAS.items()
    ]
    return "\n".join(["| persona | what they do | dev | staging | prod |", "|---|---|---|---|---|", *rows, ""])


def test_the_table_of_personas_is_the_one_in_the_documentation() -> None:
    text = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    assert rendered() in text, f"docs/access.md should hold\n{rendered()}"
    assert f"at most {personas.PROD_DAYS} days" in text


def test_given_the_services_of_infra_then_they_know_the_environments_of_the_contract() -> None:
    assert anchoring.ENVIRONMENTS == names.ENVIRONMENTS
