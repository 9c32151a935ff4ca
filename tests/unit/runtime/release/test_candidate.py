"""What belongs together in a candidate, and whose verdict counts."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.model_folder import Belongs
from aifactory_runtime.release import candidate
from tests.unit.runtime.contract.test_manifest import changed
from tests.unit.runtime.release.parts import BELONGS, chosen
from tests.unit.runtime.serving_parts import SCHEMA


def folder_of(place: Path, belongs: Belongs = BELONGS, **schema: Any) -> Path:
    """What a release reads of a model folder."""
    place.mkdir(exist_ok=True)
    (place / model_folder.BELONGS).write_text(json.dumps(asdict(belongs)))
    (place / model_folder.SCHEMA).write_text(json.dumps(asdict(replace(SCHEMA, **schema))))
    return place


def repo_of(place: Path, problem: str = "classification") -> Path:
    (place / "factory.yaml").write_text(yaml.safe_dump(changed("problem", problem)))
    return place


def test_given_files_that_belong_together_when_compared_then_nothing_is_said(tmp_path: Path) -> None:
    assert candidate.unlike(chosen(repo_of(tmp_path)), folder_of(tmp_path / "model")) is None


def test_given_a_regression_when_its_repo_says_so_then_nothing_is_said(tmp_path: Path) -> None:
    belongs = replace(BELONGS, problem="regression")

    found = candidate.unlike(chosen(repo_of(tmp_path, "regression")), folder_of(tmp_path / "m", belongs, classes=()))

    assert found is None


@pytest.mark.parametrize(
    ("belongs", "schema", "says"),
    [
        ({"commit": "0" * 40}, {}, "another commit"),
        ({"code_sha256": "0" * 64}, {}, "another code_sha256"),
        ({"lock_sha256": "0" * 64}, {}, "another lock_sha256"),
        ({"schema_sha256": "0" * 64}, {}, "another schema_sha256"),
        ({"problem": "regression"}, {}, "it is a regression, but factory.yaml of its commit says problem"),
        ({}, {"classes": ()}, "names 0 classes"),
    ],
)
def test_given_files_that_do_not_belong_when_compared_then_the_first_difference_is_said(
    tmp_path: Path, belongs: dict[str, str], schema: dict[str, Any], says: str
) -> None:
    model = folder_of(tmp_path / "model", replace(BELONGS, **belongs), **schema)

    assert says in str(candidate.unlike(chosen(repo_of(tmp_path)), model))


@pytest.mark.parametrize(
    ("found", "refused", "said"),
    [
        ({"gate": "passed", "gate_sha256": "1"}, False, 0),
        ({"gate": "refused", "gate_sha256": "1"}, True, 0),
        ({"gate_sha256": "1"}, False, 1),
        ({}, True, 0),
    ],
)
def test_given_what_registration_wrote_when_asked_for_the_verdict_then_the_tag_counts(
    tmp_path: Path, found: dict[str, str], refused: bool, said: int
) -> None:
    heard: list[str] = []

    reason = candidate.gate_refusal(chosen(tmp_path, **found), heard.append)

    assert (reason is not None, len(heard)) == (refused, said)
