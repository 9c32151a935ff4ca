"""Repos of the factory's own releases come to what is committed here: by `factory update`, and by plain copier."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations, product
from pathlib import Path

import pytest
import yaml
from copier import run_update

from aifactory import update
from aifactory.update import answers as answers_file
from aifactory_runtime.upgrades import steps
from tests.fixtures.usecase_repo import commit, git
from tests.template.released import DAY, ReleasedTemplate, clone_with_tags
from tests.template.support import CHECKOUT, VENDORS, YOURS, files, render

pytestmark = pytest.mark.slow
NEXT = "99.0.0"
QUESTIONS = ("forge", "profile", "risk", "scoring", "train_in", "data_classification", "approval")
SETS = (
    ("github", "quick", "low", "both", "prod", "public", "none"),
    ("azure-devops", "standard", "high", "online", "dev", "internal", "required"),
    ("gitlab", "regulated", "limited", "batch", "prod", "internal", "required"),
    ("azure-devops", "regulated", "limited", "batch", "dev", "public", "none"),
    ("gitlab", "standard", "high", "online", "prod", "public", "none"),
    ("gitlab", "quick", "low", "both", "dev", "internal", "required"),
    ("github", "quick", "limited", "online", "dev", "public", "required"),
    ("github", "standard", "low", "batch", "dev", "internal", "none"),
    ("github", "regulated", "high", "both", "dev", "public", "required"),
    ("azure-devops", "quick", "high", "batch", "prod", "internal", "none"),
    ("azure-devops", "standard", "limited", "both", "dev", "internal", "required"),
    ("azure-devops", "regulated", "low", "online", "dev", "internal", "none"),
)
"""Every pair of values of two questions is in one of them: a test below reads the questions and says so."""


def answers_of(values: tuple[str, ...]) -> dict[str, str]:
    """A set as plain copier gets it, for 0.1.0 too, which calls the forge `ci`; who approves follows."""
    answers = dict(zip(QUESTIONS, values, strict=True))
    approvers = {"approvers": "kim.meyer, bo"} if answers["approval"] == "required" else {}
    return {**answers, "ci": answers["forge"], **approvers}


PAIRS = tuple(answers_of(values) for values in SETS)


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> ReleasedTemplate:
    """A clone of this checkout's commit with the tags that releases.toml names, and one release more: the commit."""
    made = clone_with_tags(tmp_path_factory.mktemp("factory") / "factory")
    made.release(NEXT, f"- What is committed on {DAY}.")
    return made


def made_of(factory: ReleasedTemplate, folder: Path, answers: dict[str, str], ref: str) -> Path:
    render(factory.folder, folder, answers, ref)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Start")
    return folder


def owners(path: str) -> bool:
    return path in YOURS or (path.startswith("docs/") and path.endswith("-card.md"))


def choices() -> dict[str, set[str]]:
    """What may be chosen in each question that is asked, where a repo learns from the sample table."""
    found = {}
    for file in sorted((CHECKOUT / "questions").glob("*.yml")):
        for name, question in yaml.safe_load(file.read_text()).items():
            if isinstance(question, dict) and "choices" in question and question.get("ask", True):
                found[name] = {one for one in question["choices"].values() if isinstance(one, str)}
    return found


def test_given_the_questions_then_each_pair_of_their_values_is_in_one_set() -> None:
    asked = choices()
    assert asked.keys() == set(QUESTIONS)
    for one, other in combinations(QUESTIONS, 2):
        had = {(answers[one], answers[other]) for answers in PAIRS}
        assert had == set(product(asked[one], asked[other])), (one, other)


@pytest.mark.parametrize(
    "answers", PAIRS, ids=lambda answers: f"{answers['ci']}-{answers['profile']}-{answers['risk']}"
)
def test_given_a_repo_of_0_1_0_when_updated_then_each_of_the_factorys_files_is_as_in_a_new_repo(
    factory: ReleasedTemplate, tmp_path: Path, answers: dict[str, str]
) -> None:
    repo = made_of(factory, tmp_path / "old", answers, "v0.1.0")
    new = tmp_path / "new"
    render(factory.folder, new, answers, f"v{NEXT}")

    plan = update.update(repo, NEXT, None, {}, lambda _line: None)

    assert not plan.change_set.conflicts
    expected = {path for path in files(new) if not owners(path)}
    assert {path for path in files(repo) if not owners(path)} == expected
    assert [path for path in sorted(expected) if (repo / path).read_bytes() != (new / path).read_bytes()] == []
    assert (repo / "factory.yaml").read_bytes() == (new / "factory.yaml").read_bytes()
    assert VENDORS[answers["ci"]] <= files(repo)
    assert not (repo / "src" / "aifactory_runtime").exists()
    assert steps.look(repo).due == ()


def test_given_a_repo_of_0_1_0_when_updated_by_plain_copier_then_its_own_checks_say_what_is_due(
    factory: ReleasedTemplate, tmp_path: Path
) -> None:
    repo = made_of(factory, tmp_path / "old", PAIRS[2], "v0.1.0")
    run_update(repo, defaults=True, quiet=True, overwrite=True, vcs_ref=f"v{NEXT}")
    commit(repo, f"Follow the factory {NEXT}")
    assert answers_file.read(repo).given["forge"] == "gitlab"
    assert ".gitlab-ci.yml" in files(repo)

    def upgrade(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tumour_triage", "upgrade", *arguments]
        path = f"{repo / 'src'}:{repo / 'vendor/aifactory-runtime/src'}"
        return subprocess.run(
            command,
            cwd=repo,
            env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    refused = upgrade("--check")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "an upgrade is due" in refused.stderr
    done = upgrade()
    assert done.returncode == 0, done.stderr
    assert "add to CODEOWNERS the line  /vendor/" in done.stdout
    assert upgrade("--check").returncode == 0


def test_given_an_owner_who_edited_the_runtimes_copy_in_src_then_the_edit_goes_along_to_vendor(
    factory: ReleasedTemplate, tmp_path: Path
) -> None:
    repo = made_of(factory, tmp_path / "old", PAIRS[0], "v0.1.0")
    errors = repo / "src" / "aifactory_runtime" / "errors.py"
    errors.write_text(errors.read_text() + "\n# a note of the owner\n")
    commit(repo, "A note")
    plan = update.update(repo, NEXT, None, {}, lambda _line: None)
    assert not plan.change_set.conflicts
    moved = repo / "vendor" / "aifactory-runtime" / "src" / "aifactory_runtime" / "errors.py"
    assert moved.read_text().endswith("# a note of the owner\n")
