"""The digest of a gate: what changes it, and what does not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aifactory_runtime.pipeline.snapshots.snapshot import Snapshots
from aifactory_runtime.registry.port import Version
from aifactory_runtime.release import gate_rules
from aifactory_runtime.release.candidate import Candidate
from tests.fixtures.usecase_repo import commit, make_repo

BASE = "data: {}\ntrain: {parameters: {C: 1}, max_gap: 0.1}\ngate: {metric: roc_auc, slices: {min_rows: 50}}\n"
VERSION = '__version__ = "0.3.0"\n'


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    made = make_repo(tmp_path / "repo", rows=1)
    write(made, "conf/base.yaml", BASE)
    write(made, "vendor/aifactory-runtime/src/aifactory_runtime/__init__.py", VERSION)
    write(made, "vendor/aifactory-runtime/src/aifactory_runtime/gate/verdict.py", "LIMIT = 1\n")
    commit(made, "Ready")
    return made


def write(repo: Path, name: str, text: str) -> None:
    path = repo / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def rules(repo: Path, trained_in: str = "dev") -> gate_rules.GateRules:
    """Of a version that was trained from what is committed now."""
    project = SimpleNamespace(root=repo)
    snapshots = Snapshots(repo.parent / "snapshots", "demo-case")
    source: Any = SimpleNamespace(name="staging", embedded=False, project=project, snapshots=snapshots)
    tags = {"aifactory.commit": commit_of(repo), "aifactory.training_run": f"{trained_in}/run"}
    return gate_rules.of(Candidate(source, Version(1, "a" * 64, "run", tags), "f" * 40))


def commit_of(repo: Path) -> str:
    write(repo, "touched", str(len(list(repo.parent.rglob("touched")))))
    return commit(repo, "Change")


@pytest.mark.parametrize(
    ("name", "text", "same"),
    [
        ("conf/base.yaml", BASE.replace("roc_auc", "f1"), False),
        ("conf/base.yaml", BASE.replace("50", "5"), False),
        ("conf/base.yaml", BASE.replace("max_gap: 0.1", "max_gap: 1"), False),
        ("conf/dev.yaml", "gate: {max_loss_to_champion: 0.5}\n", False),
        ("vendor/aifactory-runtime/src/aifactory_runtime/gate/verdict.py", "LIMIT = 2\n", False),
        ("vendor/aifactory-runtime/src/aifactory_runtime/slicing.py", "", False),
        ("vendor/aifactory-runtime/src/aifactory_runtime/__init__.py", VERSION.replace("3", "4"), False),
        ("conf/base.yaml", BASE.replace("data: {}", "data: {test_share: 0.5}"), False),
        ("conf/dev.yaml", "data: {group: customer}\n", False),
        ("conf/dev.yaml", "data: {sample_rows: 100}\n", False),
        ("conf/dev.yaml", "data: {add_captured: true}\n", False),
        ("conf/dev.yaml", "train: {seed: 8}\n", False),
        ("conf/dev.yaml", "train: {trusted_types: [numpy.random.mtrand.RandomState]}\n", False),
        ("requirements/factory.txt", "click==8.5.2\n", False),
        ("requirements/science.txt", "lifelines==0.30.0\n", False),
        ("conf/base.yaml", BASE.replace("C: 1", "C: 2"), True),
        ("conf/prod.yaml", "gate: {max_loss_to_champion: 0.5}\n", True),
        ("src/demo_case/features.py", "", True),
    ],
)
def test_given_a_change_when_the_gate_is_digested_then_it_is_another_only_for_its_own_rules_and_settings(
    repo: Path, name: str, text: str, same: bool
) -> None:
    before = rules(repo)
    write(repo, name, text)

    assert (rules(repo).sha256 == before.sha256) == same


def test_given_settings_of_two_environments_when_read_then_those_that_the_model_was_trained_with(repo: Path) -> None:
    write(repo, "conf/prod.yaml", "gate: {max_loss_to_champion: 0.5}\n")

    found = rules(repo, trained_in="prod")

    assert list(found.lines()) == [
        f"gate sha256 {found.sha256}",
        f"runtime 0.3.0 (sha256 {found.runtime_sha256})",
        f"locks (sha256 {found.lock_sha256})",
        "gate.max_loss_to_champion: 0.5",
        'gate.metric: "roc_auc"',
        'gate.slices: {"min_rows": 50}',
        "train.max_gap: 0.1",
    ]
