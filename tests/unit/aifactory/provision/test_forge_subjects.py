"""Who may take a role by a token of the forge: the repo that git's origin names, in one environment, nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory.provision import forge_subjects
from aifactory_runtime.errors import UsageProblem
from tests.fixtures.usecase_repo import git


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".copier-answers.yml").write_text("forge: github\n")
    return tmp_path


def test_given_no_remote_then_no_job_may_take_a_role(repo: Path) -> None:
    assert forge_subjects.of(repo, "prod") == {}


def test_given_a_remote_then_reading_and_applying_differ_and_numbers_replace_names(repo: Path) -> None:
    git(repo, "remote", "add", "origin", "git@github.com:acme/churn.git")
    named = "repo:acme/churn:environment:prod"
    assert forge_subjects.of(repo, "prod") == {"release": [named], "ci-read": [f"{named}-read"], "ci-apply": [named]}

    git(repo, "config", forge_subjects.IDS, "123/456")
    assert forge_subjects.of(repo, "prod")["release"] == ["repo:acme@123/churn@456:environment:prod"]
    git(repo, "config", forge_subjects.IDS, "acme")
    with pytest.raises(UsageProblem, match="write the numbers of owner and repo, as 123/456"):
        forge_subjects.of(repo, "prod")


@pytest.mark.parametrize(
    ("name", "remote", "repo"),
    [
        ("github", "git@github.com:acme/churn.git", "acme/churn"),
        ("github", "https://github.com/acme/churn", "acme/churn"),
        ("gitlab", "https://gitlab.com/acme/ml/churn.git", "acme/ml/churn"),
        ("azure-devops", "https://acme@dev.azure.com/acme/ml/_git/churn", "acme/ml/churn"),
        ("azure-devops", "git@ssh.dev.azure.com:v3/acme/ml/churn", "acme/ml/churn"),
        ("github", "", None),
    ],
)
def test_given_a_remote_then_the_repo_is_called_as_its_forge_does(name: str, remote: str, repo: str | None) -> None:
    assert forge_subjects.path_of(name, remote) == repo
