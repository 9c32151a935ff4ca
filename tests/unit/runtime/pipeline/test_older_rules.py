"""What earlier runs left out is said once: by the next run, and by the release of their models."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aifactory_runtime.pipeline import older_rules
from aifactory_runtime.registry.port import PIPELINE_RUN, TRAINING_RUN, Version
from aifactory_runtime.release import candidate


def reported(artifacts: Path, run: str, report: dict[str, Any] | str) -> None:
    folder = artifacts / "runs" / run
    folder.mkdir(parents=True)
    (folder / "validation.json").write_text(report if isinstance(report, str) else json.dumps(report))


@pytest.mark.parametrize(
    ("report", "left"),
    [
        ({"rows": 400, "duplicates": 388}, 388),
        ({"rows": 400, "duplicates": 0}, 0),
        ({"rows": 400, "duplicates": 5, "equal_rows": 383}, 0),
        ("{", 0),
        ("[]", 0),
    ],
)
def test_given_a_report_when_asked_then_only_the_older_rules_left_rows_out(
    tmp_path: Path, report: dict[str, Any] | str, left: int
) -> None:
    reported(tmp_path, "20260101-000000-aaaaaa", report)
    (tmp_path / "runs" / "20260102-000000-aaaaaa").mkdir()
    assert older_rules.left_out(tmp_path, "20260101-000000-aaaaaa") == left
    assert older_rules.left_out_before(tmp_path, "20260103-000000-aaaaaa") == left
    assert older_rules.left_out_before(tmp_path, "20260101-000000-aaaaaa") == 0
    assert older_rules.left_out(tmp_path, "20260102-000000-aaaaaa") == older_rules.left_out(tmp_path, "") == 0


def test_given_a_model_of_the_older_rules_when_released_then_its_owner_is_told(tmp_path: Path) -> None:
    reported(tmp_path, "20260101-000000-aaaaaa", {"rows": 400, "duplicates": 388})
    reported(tmp_path, "20260102-000000-aaaaaa", {"rows": 400, "duplicates": 0, "equal_rows": 388})
    said: list[str] = []
    for run in ("20260101-000000-aaaaaa", "20260102-000000-aaaaaa"):
        version = Version(3, "", "", {PIPELINE_RUN: run})
        source = SimpleNamespace(name="dev", contract=SimpleNamespace(artifact_uri=str(tmp_path)))
        candidate.say_left_out(candidate.Candidate(source, version), said.append)  # type: ignore[arg-type]
    (line,) = said
    assert line.startswith("version 3 of dev learned from a table without 388 rows that equal others: unless they are")


def test_given_such_a_model_from_another_environment_when_released_then_the_report_is_looked_up_there(
    repo: Path,
) -> None:
    reported(repo / ".factory" / "embedded" / "artifacts", "20260101-000000-aaaaaa", {"rows": 400, "duplicates": 388})
    said: list[str] = []
    for trained_in in ("embedded/1f", "nowhere/1f"):
        version = Version(3, "", "", {PIPELINE_RUN: "20260101-000000-aaaaaa", TRAINING_RUN: trained_in})
        contract = SimpleNamespace(artifact_uri=str(repo))
        source = SimpleNamespace(name="staging", contract=contract, project=SimpleNamespace(root=repo))
        candidate.say_left_out(candidate.Candidate(source, version), said.append)  # type: ignore[arg-type]
    (line,) = said
    assert line.startswith("version 3 of staging learned from a table without 388 rows")
