"""`factory target`: answer, manifest and files change together; refused while something stands, or with no platform."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from aifactory.home import Home
from aifactory.update import target as targets
from aifactory_runtime.config import yaml_model
from aifactory_runtime.contract import Manifest
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.upgrades import answered_target
from tests.fixtures.usecase_repo import commit, git
from tests.template.support import make_template, render

pytestmark = pytest.mark.slow

PLATFORM = "s3://acme-platform"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repo on this machine, made from a template with a release."""
    template = make_template(tmp_path / "template")
    made = tmp_path / "tumour-triage"
    render(template, made)
    git(made, "init", "--quiet", "--initial-branch=main")
    commit(made, "Start")
    commit_of_it = git(template, "rev-parse", "HEAD")
    release = f'[[release]]\nversion = "0.1.0"\ncommit = "{commit_of_it}"\ndate = 2026-11-26\n'
    (template / "releases.toml").write_text(release)
    commit(template, "A release")
    return made


def change(repo: Path, target: str, platform: str | None = None, home: Path | None = None) -> Any:
    place = Home(home or repo.parent / "home")
    return targets.change(repo, target, platform, home=place, variables=os.environ, say=lambda _line: None)


def test_given_a_repo_when_it_goes_to_aws_and_back_then_all_that_follows_goes_with_it(repo: Path) -> None:
    before = git(repo, "rev-parse", "HEAD^{tree}")

    plan = change(repo, "aws", PLATFORM)

    manifest = yaml_model.load(repo / "factory.yaml", Manifest)
    assert (manifest.target, manifest.platform) == ("aws", PLATFORM)
    assert answered_target.due(repo) is None
    changed = {one.path for one in plan.change_set.changes}
    assert {".github/workflows/release.yml", "Dockerfile", "Makefile", "requirements/factory-aws.txt"} <= changed
    assert "id-token: write" in (repo / ".github/workflows/release.yml").read_text()
    assert git(repo, "log", "-1", "--format=%s") == "Run on aws"
    commit(repo, "Files for aws")

    change(repo, "local")
    commit(repo, "Files for this machine")

    kept = set(git(repo, "diff", "--name-only", before).splitlines())
    assert kept <= {".copier-answers.yml"}, "the mark of an update is all that is left"


@pytest.mark.parametrize(
    ("target", "platform", "said"),
    [
        ("aws", None, "needs --platform"),
        ("local", PLATFORM, "has no platform"),
        ("local", None, "has target: local already"),
        ("aws", "s3://me:key@acme", "holds a login"),
    ],
)
def test_given_what_makes_no_sense_when_asked_then_nothing_is_changed(
    repo: Path, target: str, platform: str | None, said: str
) -> None:
    head = git(repo, "rev-parse", "HEAD")
    with pytest.raises(UsageProblem, match=said):
        change(repo, target, platform)
    assert (git(repo, "rev-parse", "HEAD"), git(repo, "status", "--porcelain")) == (head, "")


def test_given_an_environment_that_stands_when_asked_then_it_is_named_and_nothing_is_changed(repo: Path) -> None:
    home = repo.parent / "home"
    (home / "usecases").mkdir(parents=True)
    record = '{"environment": {"use_case": "tumour-triage", "environment": "dev"}}'
    (home / "usecases" / "tumour-triage.dev.json").write_text(record)
    with pytest.raises(FactoryError, match=r"stands in dev on local.*factory destroy dev"):
        change(repo, "aws", PLATFORM, home)
    assert git(repo, "status", "--porcelain") == ""
