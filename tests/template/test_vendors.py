"""The forges: each gets its files, they say the same, and they hold against the forge's schema and a scanner."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fixtures.usecase_repo import commit, git
from tests.template import pipelines
from tests.template.support import (
    CHECKOUT,
    FACTORYS,
    PACKAGE,
    VENDORS,
    YOURS,
    files,
    make_template,
    read_by_people,
    render,
)
from tests.template.test_ownership import conflicts, next_version

pytestmark = pytest.mark.slow

SCHEMAS = {
    "github": ("vendor.github-workflows", "custom.github-workflows-require-timeout"),
    "azure-devops": ("vendor.azure-pipelines",),
    "gitlab": ("vendor.gitlab-ci",),
}


@pytest.fixture(scope="session", params=list(VENDORS))
def vendor(request: pytest.FixtureRequest) -> str:
    """Each forge in turn."""
    found: str = request.param
    return found


@pytest.fixture(scope="session")
def repo(template: Path, tmp_path_factory: pytest.TempPathFactory, vendor: str) -> Path:
    """A repo for that forge; read only."""
    target = tmp_path_factory.mktemp("vendor") / vendor
    render(template, target, {"forge": vendor, "approval": "required", "approvers": "kim.meyer"})
    return target


def ci_files(vendor: str) -> list[str]:
    return sorted(name for name in VENDORS[vendor] if name.endswith(".yml"))


def check_schema(schema: str, paths: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    """Validate against a schema that the checker carries along; no network."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, "--traceback-mode", "short"]
    if "azure" in schema:
        command += ["--regex-variant", "python"]
    return subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False)


def zizmor(*folders: Path) -> subprocess.CompletedProcess[str]:
    """Scan workflows without asking GitHub; findings as JSON on standard output."""
    command = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-exit-codes", "--format", "json"]
    return subprocess.run([*command, *map(str, folders)], capture_output=True, text=True, check=False)


def test_given_a_forge_when_rendered_then_exactly_its_files_are_there(repo: Path, vendor: str) -> None:
    assert read_by_people(repo) == YOURS | (FACTORYS - VENDORS["github"]) | VENDORS[vendor]


def test_given_a_forge_then_stages_and_their_commands_are_those_of_the_others(repo: Path, vendor: str) -> None:
    stages = pipelines.READERS[vendor](repo)
    assert tuple(stages) == pipelines.STAGES
    assert {name: [command.line for command in commands] for name, commands in stages.items()} == {
        "check": ["make setup", "make lint", "make test", "make ci-own", "make train"],
        "register": ["make setup", "make train"],
        "staging": ["make setup", "make release TO=staging TRAIN=1"],
        "prod": ["make setup", "make release TO=prod"],
    }
    register = stages["register"][-1].variables
    assert (register["AIFACTORY_ENV"], register["AIFACTORY_KIND"]) == ("dev", "retraining")


def test_given_a_forge_then_its_commands_are_targets_of_the_makefile(repo: Path, vendor: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (repo / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for commands in pipelines.READERS[vendor](repo).values():
        assert {command.line.split()[1] for command in commands} <= targets


def test_given_a_forge_then_its_files_name_no_secret_and_its_page_names_every_file_and_variable(
    repo: Path, vendor: str
) -> None:
    page = (repo / "docs/delivery.md").read_text(encoding="utf-8")
    for name in ci_files(vendor):
        text = (repo / name).read_text(encoding="utf-8")
        assert "secrets." not in text and "password" not in text.lower()
        assert name in page or f"`{Path(name).parent}/`" in page
    assert "AIFACTORY_CONTRACT_" in page and "factory outputs" in page
    assert "`approvers` named there first runs `factory approve --env prod" in page
    assert "kim.meyer" not in page  # factory.yaml says who, and changes after this page was written
    assert "\n\n\n" not in page


def test_given_the_code_owners_then_every_path_that_trains_or_releases_is_there_with_its_owner(repo: Path) -> None:
    text = (repo / "CODEOWNERS").read_text(encoding="utf-8")
    rules = dict(line.split(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    assert rules["*"] == rules[f"/src/{PACKAGE}/"] == rules["/conf/"] == "@ana.lopez"
    for path in ("/factory.yaml", "/vendor/", "/CODEOWNERS", "/.github/", "/azure-pipelines.yml", "/.gitlab-ci.yml"):
        assert rules[path] == "@ana.lopez @kim.meyer"


def test_given_the_workflows_then_actions_are_pinned_by_a_recorded_commit_and_rights_are_least(rendered: Path) -> None:
    recorded = (CHECKOUT / "docs/decisions/0003-template.md").read_text(encoding="utf-8")
    for name in ci_files("github"):
        text = (rendered / name).read_text(encoding="utf-8")
        workflow = pipelines.read(rendered / name)
        assert workflow["permissions"] == {}
        for job in workflow["jobs"].values():
            assert job["permissions"] == {"contents": "read"}
            assert all(step.get("with", {}).get("persist-credentials") is False for step in job.get("steps", [])[:1])
        for action, note in re.findall(r"uses: ([\w-]+/\S+)(.*)", text):
            pinned = re.fullmatch(r"([\w-]+/[\w-]+)@([0-9a-f]{40})", action)
            assert pinned and re.fullmatch(r" # v[\d.]+", note), action
            assert pinned[1] in recorded and pinned[2] in recorded, action


def test_given_prod_then_only_its_own_and_stagings_contract_reach_it(rendered: Path) -> None:
    jobs = pipelines.read(rendered / ".github/workflows/release.yml")["jobs"]
    assert set(jobs["prod"]["env"]) == {"AIFACTORY_CONTRACT_STAGING", "AIFACTORY_CONTRACT_PROD"}
    assert [jobs[name]["environment"] for name in ("register", "staging", "prod")] == ["dev", "staging", "prod"]


def test_given_a_forge_when_its_files_are_held_against_the_schema_then_they_fit_and_a_typo_does_not(
    repo: Path, vendor: str, tmp_path: Path
) -> None:
    for schema in SCHEMAS[vendor]:
        done = check_schema(schema, [repo / name for name in ci_files(vendor)])
        assert done.returncode == 0, done.stdout + done.stderr
        assert "ok -- validation done" in done.stdout
    broken = tmp_path / ci_files(vendor)[-1]
    broken.parent.mkdir(parents=True, exist_ok=True)
    text = (repo / ci_files(vendor)[-1]).read_text(encoding="utf-8")
    broken.write_text(re.sub(r"^( *)(runs-on|trigger|stage):", r"\1surprise:", text, flags=re.MULTILINE))
    done = check_schema(SCHEMAS[vendor][0], [broken])
    assert done.returncode == 1, "the checker looked at nothing"


def test_given_the_workflows_when_scanned_then_nothing_is_found_and_what_is_planted_is(
    rendered: Path, tmp_path: Path
) -> None:
    done = zizmor(rendered)
    assert json.loads(done.stdout) == [], done.stdout
    for name in ci_files("github"):
        assert f"completed {rendered / name}" in done.stderr, "skipped counts as failed"
    planted = tmp_path / ".github/workflows/ci.yml"
    planted.parent.mkdir(parents=True)
    text = (rendered / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    planted.write_text(text.replace("run: make setup", 'run: echo "${{ github.event.pull_request.title }}"'))
    found = json.loads(zizmor(tmp_path).stdout)
    assert "template-injection" in {finding["ident"] for finding in found}


def test_given_another_forge_when_updated_then_the_files_of_the_first_go_and_yours_stay(tmp_path: Path) -> None:
    from copier import run_update

    template = make_template(tmp_path / "template")
    repo = tmp_path / "repo"
    render(template, repo)
    git(repo, "init", "--quiet", "--initial-branch=main")
    (repo / "CODEOWNERS").write_text("* @mine\n")
    (repo / ".github/workflows/mine.yml").write_text("name: mine\n")
    commit(repo, "Mine")
    next_version(template)
    run_update(repo, data={"forge": "gitlab"}, defaults=True, overwrite=True, quiet=True, vcs_ref="HEAD")
    assert conflicts(repo) == []
    assert ".gitlab-ci.yml" in files(repo)
    assert not files(repo) & (VENDORS["github"] - VENDORS["gitlab"])
    assert (repo / "CODEOWNERS").read_text() == "* @mine\n"
    assert (repo / ".github/workflows/mine.yml").exists()
    assert "on GitLab" in (repo / "docs/delivery.md").read_text(encoding="utf-8")
    assert "forge: gitlab" in (repo / ".copier-answers.yml").read_text(encoding="utf-8")
