"""What is recorded of inputs: which rules hold, what is said of them, and that they travel in any form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from aifactory.provision import contract_formats
from aifactory_runtime.contract import EnvironmentContract, Manifest
from aifactory_runtime.contract.recording import remarks, treatment, unknown
from tests.unit.runtime.contract.test_manifest import changed
from tests.unit.runtime.release.parts import contract

RULES: dict[str, Any] = {"e, mail": "hash", "income": "drop", "age": "keep"}


def manifest(rules: Any, classification: str = "internal") -> Manifest:
    values = changed("environments.prod.capture_columns", rules)
    return Manifest.model_validate(values | {"data_classification": classification})


def test_given_no_rules_when_read_then_everything_is_kept_as_before() -> None:
    found = Manifest.model_validate(changed("title", "x")).settings("prod").capture_columns
    assert found == {} and treatment(found, "age") == "keep"


def test_given_rules_when_asked_then_a_name_comes_before_every_other_column() -> None:
    assert [treatment(RULES, name) for name in ("e, mail", "income", "age", "new")] == ["hash", "drop", "keep", "keep"]
    assert [treatment({**RULES, "*": "drop"}, name) for name in ("age", "new")] == ["keep", "drop"]
    assert unknown({**RULES, "*": "drop"}, ["age", "income", "churned"]) == ["e, mail"]


@pytest.mark.parametrize("wrong", [{"age": "mask"}, {"age": None}, ["age"], "drop", "[1]"])
def test_given_no_such_rule_when_read_then_it_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError, match="capture_columns"):
        manifest(wrong)


def test_given_rules_when_written_as_a_variable_then_it_is_read_back_the_same() -> None:
    said = contract("prod", capture_columns=RULES)
    lines = contract_formats.as_github(said.model_dump(mode="json")).splitlines()
    (value,) = [line.partition("=")[2] for line in lines if line.startswith("AIFACTORY_CAPTURE_COLUMNS=")]
    assert json.loads(value) == RULES
    again = EnvironmentContract.model_validate({**said.model_dump(), "capture_columns": value})
    assert again.capture_columns == RULES
    assert "CAPTURE_COLUMNS" not in contract_formats.as_dotenv(contract("prod").model_dump(mode="json"))


@pytest.mark.parametrize(
    ("rules", "classification", "said"),
    [
        ({}, "internal", ()),
        ({"*": "keep"}, "confidential", ()),
        ({}, "confidential", ("is not there", "data are confidential")),
        ({}, "restricted", ("is not there", "data are restricted")),
        (
            RULES,
            "internal",
            ("income is not recorded: trace cannot show it", "e, mail is recorded as a keyed", "drift"),
        ),
        ({"age": "keep", "*": "drop"}, "restricted", ("every other column is not recorded", "drift")),
    ],
)
def test_given_what_is_recorded_when_remarked_then_its_cost_is_told_and_sensitive_data_are_never_kept_unsaid(
    rules: Any, classification: str, said: tuple[str, ...]
) -> None:
    found = remarks(manifest(rules, classification), "prod")
    assert all(line.startswith("environments.prod.capture_columns") for line in found)
    assert bool(found) == bool(said) and all(part in " ".join(found) for part in said), found
