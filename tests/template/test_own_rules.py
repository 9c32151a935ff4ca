"""The factory keeps its own rules: its workflow by schema and scanner, itself and a new repo by repo-review."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from repo_review.processor import process

from tests.fixtures.usecase_repo import git
from tests.template import pipelines
from tests.template.support import CHECKOUT, render
from tests.template.test_vendors import SCHEMAS, check_schema, zizmor

WORKFLOW = CHECKOUT / ".github" / "workflows" / "ci.yml"
DECISION = CHECKOUT / "docs" / "decisions" / "0016-own-rules.md"


def exceptions(where: str) -> set[str]:
    """Codes that the decision's table names for the factory or for a rendered repo."""
    rows = [line.split("|")[1:3] for line in DECISION.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return {
        code
        for codes, place in rows
        if place.strip() in {"both", where}
        for code in re.findall(r"[A-Z]{2,3}\d+", codes)
    }


def ignored(repo: Path) -> set[str]:
    """Codes that the repo's own settings leave out."""
    settings = tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))
    return set(settings["tool"]["repo-review"]["ignore"])


def failures(repo: Path, *, with_exceptions: bool) -> dict[str, str]:
    """What repo-review finds, as code and message."""
    left_out = ignored(repo) if with_exceptions else {"none of them"}
    return {one.name: one.err_msg for one in process(repo, ignore=left_out).results if one.result is False}


@pytest.fixture(params=["factory", "rendered repo"])
def repo(request: pytest.FixtureRequest) -> tuple[Path, str]:
    """What is reviewed, and what the decision calls it."""
    name = str(request.param)
    return (CHECKOUT if name == "factory" else request.getfixturevalue("rendered")), name


@pytest.mark.heavy
def test_given_factory_and_new_repo_when_reviewed_then_nothing_fails_but_the_decided_exceptions(
    repo: tuple[Path, str],
) -> None:
    folder, name = repo

    assert failures(folder, with_exceptions=True) == {}
    assert set(failures(folder, with_exceptions=False)) == ignored(folder) == exceptions(name)


@pytest.mark.slow
def test_given_a_repo_without_its_strict_settings_when_reviewed_then_it_is_found(
    template: Path, tmp_path: Path
) -> None:
    worse = tmp_path / "repo"
    render(template, worse)
    path = worse / "pyproject.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("--strict-markers ", ""), encoding="utf-8")

    assert list(failures(worse, with_exceptions=True)) == ["PP307"]


def test_given_our_workflow_then_rights_are_least_and_actions_are_pinned_by_a_recorded_commit() -> None:
    text, workflow = WORKFLOW.read_text(encoding="utf-8"), pipelines.read(WORKFLOW)
    recorded = (CHECKOUT / "docs/decisions/0003-template.md").read_text(encoding="utf-8")

    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert job["steps"][0]["with"] == {"persist-credentials": False, "fetch-depth": 0}
    for action in re.findall(r"uses: (\S+)", text):
        name, _, commit = action.partition("@")
        assert re.fullmatch(r"[0-9a-f]{40}", commit) and commit in recorded and name in recorded, action


def test_given_hooks_and_workflow_then_they_run_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    (hooks,) = yaml.safe_load((CHECKOUT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    jobs = pipelines.read(WORKFLOW)["jobs"]
    run = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]

    assert hooks["repo"] == "local"
    for command in [*run, *(hook["entry"] for hook in hooks["hooks"])]:
        make, target = command.split()
        assert make == "make" and target in targets, command
    assert run == ["make check", "make test", "make thorough"]


@pytest.mark.slow
def test_given_our_workflow_when_held_against_schema_and_scanner_then_nothing_is_found_and_what_is_planted_is(
    tmp_path: Path,
) -> None:
    for schema in SCHEMAS["github"]:
        done = check_schema(schema, [WORKFLOW])
        assert done.returncode == 0, done.stdout + done.stderr
    done = check_schema("vendor.dependabot", [CHECKOUT / ".github" / "dependabot.yml"])
    assert done.returncode == 0, done.stdout + done.stderr
    planted = tmp_path / ".github" / "workflows" / "ci.yml"
    planted.parent.mkdir(parents=True)
    planted.write_text(WORKFLOW.read_text().replace("run: make check", 'run: echo "${{ github.head_ref }}"'))
    git(tmp_path, "init", "--quiet")

    done = zizmor(CHECKOUT / ".github")

    assert json.loads(done.stdout) == [], done.stdout
    assert f"completed {WORKFLOW}" in done.stderr, "skipped counts as failed"
    assert "template-injection" in {finding["ident"] for finding in json.loads(zizmor(tmp_path).stdout)}
