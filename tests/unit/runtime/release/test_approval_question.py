"""The question to an approver: which command it shows, and what the answer covers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.errors import FactoryError, NeedsPerson
from aifactory_runtime.registry.port import Version
from aifactory_runtime.release import approval_question
from aifactory_runtime.release.approvals import Subject
from aifactory_runtime.release.candidate import Candidate
from tests.fixtures.usecase_repo import make_repo
from tests.unit.runtime.release.test_approvals import GIVEN, SUBJECT, Recorded, prod


@dataclass(frozen=True)
class Figures:
    """Stands for the summary of what is known."""

    figure: float = 0.9

    def lines(self) -> list[str]:
        return ["figures"]


def staged(monkeypatch: pytest.MonkeyPatch, repo: Path, contract: EnvironmentContract, **found: str) -> None:
    """Every environment has a version 3 with these tags, of other science than the repo's."""
    make_repo(repo, rows=1)
    known = {"commit": "d" * 40, "science_sha256": "e" * 64, **found}
    version = Version(3, SUBJECT.model_sha256, "run", {f"aifactory.{key}": value for key, value in known.items()})
    registry = SimpleNamespace(version=lambda _: version, by_alias=lambda _: None)

    def open_side(_: Path, name: str) -> SimpleNamespace:
        project = SimpleNamespace(root=repo, manifest=SimpleNamespace(package="demo_case"))
        return SimpleNamespace(embedded=False, name=name, contract=contract, registry=registry, project=project)

    monkeypatch.setattr(approval_question, "open_side", open_side)


@pytest.mark.parametrize(("environment", "report"), [("staging", "c" * 64), ("prod", SUBJECT.report_sha256)])
def test_given_both_reports_when_approved_then_prod_rests_on_stagings_test_and_staging_on_the_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str, report: str
) -> None:
    staged(
        monkeypatch, tmp_path / "repo", prod(tmp_path), gate_sha256="c" * 64, integration_sha256=SUBJECT.report_sha256
    )

    assert approval_question.answer(tmp_path, environment, 3, print)[1] == Subject(SUBJECT.model_sha256, report)


def test_given_a_version_that_staging_has_not_tested_when_approved_for_prod_then_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged(monkeypatch, tmp_path / "repo", prod(tmp_path), gate_sha256="c" * 64)

    with pytest.raises(FactoryError) as refused:
        approval_question.answer(tmp_path, "prod", 3, print)

    assert str(refused.value) == (
        "version 3 of staging cannot be approved for prod yet: it has not passed the integration test in staging: "
        "run release --to staging first"
    )


@pytest.mark.parametrize("number", [3, 12])
def test_given_a_version_that_waits_when_asked_then_the_command_names_it_and_nothing_newer_can_be_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(approval_question, "summarize", lambda *_: Figures())
    source: Any = SimpleNamespace(name="staging")
    target: Any = SimpleNamespace(name="prod", contract=prod(tmp_path, "vera"), registry=Recorded())
    tags = {"aifactory.commit": "d" * 40, "aifactory.integration_sha256": SUBJECT.report_sha256}
    asks = approval_question.question(Candidate(source, Version(number, SUBJECT.model_sha256, "run", tags)), target)
    said = str(asks)
    assert said.startswith(f"version {number} of staging waits for approval in prod by one of vera:\n  figures\n")
    assert said.endswith(f"To approve:\n  factory approve --env prod --as vera --version {number}")
    assert asks.exit_code == NeedsPerson.exit_code
    assert asks.values == {
        "environment": "prod",
        "version": number,
        "approvers": ["vera"],
        "approved": [],
        "awaited": ["vera"],
        "missing": "one of vera",
        "waits_for": "approval",
        "model_sha256": SUBJECT.model_sha256,
        "report_sha256": SUBJECT.report_sha256,
        "summary": {"figure": 0.9},
        "command": f"factory approve --env prod --as vera --version {number}",
    }


def test_given_harm_is_high_and_its_author_approved_when_asked_then_it_names_who_has_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approval_question, "summarize", lambda *_: Figures())
    contract = prod(tmp_path, "vera", "kim").model_copy(update={"risk": "high"})
    source: Any = SimpleNamespace(name="staging", contract=SimpleNamespace(audit_uri=tmp_path))
    target: Any = SimpleNamespace(name="prod", contract=contract, registry=Recorded(GIVEN))
    tags = {"aifactory.commit": "d" * 40, "aifactory.integration_sha256": SUBJECT.report_sha256}
    version = Version(3, SUBJECT.model_sha256, "run", tags | {"aifactory.authors": "vera"})

    said = str(approval_question.question(Candidate(source, version), target)).splitlines()

    assert said[0] == (
        "version 3 of staging waits for approval in prod by one of kim (risk: high, and vera is its author); "
        "vera approved:"
    )
    assert said[-1] == "  factory approve --env prod --as kim --version 3"
