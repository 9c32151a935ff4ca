"""What an update waits for is said, and a repo that lies in another one is told apart from its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory.update import top, waiting
from aifactory.update.answers import FILE
from aifactory_runtime.config import outer
from aifactory_runtime.errors import UsageProblem
from tests.fixtures.usecase_repo import commit, git


def repo_with(folder: Path, **files: str) -> Path:
    """A git repo whose first commit holds some files."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    for name, text in files.items():
        (folder / name).write_text(text)
    commit(folder, "Start")
    return folder


def answers(version: str) -> str:
    return f"_commit: {version}\n_src_path: https://example.com/factory\n"


def test_given_a_clean_repo_when_asked_then_nothing_is_waited_for(tmp_path: Path) -> None:
    assert waiting(repo_with(tmp_path, **{FILE: answers("v0.1.0")})) is None


def test_given_a_staged_update_when_asked_then_its_version_and_the_commit_are_named(tmp_path: Path) -> None:
    repo = repo_with(tmp_path, **{FILE: answers("v0.1.0")})
    (repo / FILE).write_text(answers("v0.2.0"))
    git(repo, "add", FILE)
    assert waiting(repo) == "an update from 0.1.0 to 0.2.0 is staged: commit it"
    commit(repo, "Update")
    assert waiting(repo) is None


def test_given_a_staged_adoption_when_asked_then_it_is_named(tmp_path: Path) -> None:
    repo = repo_with(tmp_path, README="mine")
    (repo / FILE).write_text(answers("v0.2.0"))
    git(repo, "add", FILE)
    assert waiting(repo) == "an adoption is staged: commit it"


def test_given_a_repo_in_a_folder_of_another_when_looked_for_then_one_sentence_says_what_it_needs(
    tmp_path: Path,
) -> None:
    outside = repo_with(tmp_path, README="all of the company")
    inner = outside / "churn"
    (inner / "src").mkdir(parents=True)
    (inner / FILE).write_text(answers("v0.1.0"))
    for place in (inner, inner / "src"):
        with pytest.raises(UsageProblem, match=f"{inner} lies in the git repo {outside}: .* git init in it"):
            top(place)
    assert top(outside) == outside


def test_given_a_hook_of_git_around_us_when_it_is_forgotten_then_only_what_names_its_repo_goes() -> None:
    variables = {"GIT_DIR": "/x", "GIT_INDEX_FILE": "/y", "GIT_AUTHOR_NAME": "Ana", "PATH": "/bin"}
    outer.forget_git(variables)
    assert variables == {"GIT_AUTHOR_NAME": "Ana", "PATH": "/bin"}
