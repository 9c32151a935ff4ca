"""The table of what personas may do on AWS is the one in the documentation."""

from __future__ import annotations

from aifactory_runtime.contract import names
from infra.components.aws import rights
from infra.conventions import personas
from infra.conventions.personas import Capability
from tests.infra.engine import ROOT

ROWS = (*names.PERSONAS, *personas.IDENTITIES, rights.JOB)
LETTERS = {"dev": "d", "staging": "s", "prod": "p"}


def rendered() -> str:
    """The table: capability by role, with the environments in which it has it."""

    def cell(role: str, capability: Capability) -> str:
        return " ".join(letter for place, letter in LETTERS.items() if capability in _may(role, place))

    lines = [
        f"| {role} | {', '.join(f'{one} ({there})' for one in Capability if (there := cell(role, one)))} |"
        for role in ROWS
    ]
    return "\n".join(["| role | may |", "|---|---|", *lines, ""])


def _may(role: str, environment: str) -> frozenset[Capability]:
    try:
        return rights.capabilities(role, environment)
    except KeyError:
        return frozenset()


def test_the_table_of_roles_on_aws_is_the_one_in_the_documentation() -> None:
    text = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")

    assert rendered() in text, f"docs/access.md should hold\n{rendered()}"
