"""Whose secrets `factory rotate` asks for, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory.home import Home
from aifactory.provision.rotation import secrets
from aifactory_runtime.errors import UsageProblem


@pytest.fixture
def home(tmp_path: Path) -> Home:
    for place in ("dev/churn/ana", "staging/churn/ana", "staging/churn/consumer", "prod/fraud/bo"):
        path = tmp_path / "credentials" / f"{place}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    return Home(tmp_path)


@pytest.mark.parametrize(
    ("environments", "identities", "found"),
    [
        (["dev", "staging"], ["consumer"], {"staging": ["consumer"]}),
        (["dev", "staging"], ["ana"], {"dev": ["ana"], "staging": ["ana"]}),
        (["dev", "staging"], [], {"dev": ["ana"], "staging": ["ana", "consumer"]}),
        (["dev"], [], {"dev": ["ana"]}),
    ],
)
def test_given_an_identity_of_some_environments_when_rotated_then_it_is_where_it_has_a_secret(
    home: Home, environments: list[str], identities: list[str], found: dict[str, list[str]]
) -> None:
    asked = secrets(home, "churn", environments, identities)
    assert {name: sorted(paths.values()) for name, paths in asked.items()} == found


@pytest.mark.parametrize(("environments", "who"), [(["dev"], "consumer"), (["dev", "staging", "prod"], "bo")])
def test_given_an_identity_without_a_secret_there_when_rotated_then_who_has_one_is_named(
    home: Home, environments: list[str], who: str
) -> None:
    with pytest.raises(UsageProblem, match=f"^{who} has no secret in {', '.join(environments)}; who has: ana"):
        secrets(home, "churn", environments, [who])
