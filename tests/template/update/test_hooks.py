"""A company's hooks on the result of `factory update`: what they add, and what happens when they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory import update
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.fixtures.usecase_repo import commit, git
from tests.template.update.following import edit, everything, executable, follow, quiet

pytestmark = pytest.mark.slow


def test_given_a_companys_hook_then_what_it_adds_is_part_of_the_change(repo: Path, tmp_path: Path) -> None:
    hook = executable(tmp_path, "echo 'cost: 7' > company.yaml; echo '# ours' >> Makefile; touch .env.local")
    update.update(repo, "0.2.0", None, {}, lambda _line: None, hooks=[hook])
    assert (repo / "company.yaml").read_text() == "cost: 7\n"
    assert (repo / "Makefile").read_text().endswith("# ours\n")
    assert "List all targets." in (repo / "Makefile").read_text()
    staged = git(repo, "diff", "--cached", "--name-only").splitlines()
    assert {"company.yaml", "Makefile"} <= set(staged)
    assert ".env.local" not in staged, "git ignores it"
    assert git(repo, "worktree", "list").count("\n") == 0


def test_given_work_of_the_owner_while_hooks_run_then_it_is_named_and_nothing_is_written(
    repo: Path, tmp_path: Path
) -> None:
    hook = executable(tmp_path, f"echo '# my work' >> {repo}/Makefile")
    with pytest.raises(UsageProblem, match="Makefile is not as the last commit has it: nothing was written"):
        update.update(repo, "0.2.0", None, {}, lambda _line: None, hooks=[hook])
    assert git(repo, "status", "--porcelain").split() == ["M", "Makefile"]
    assert (repo / "Makefile").read_text().endswith("# my work\n")


def test_given_a_companys_hook_that_fails_then_the_repo_is_whole_and_the_hook_named(repo: Path, tmp_path: Path) -> None:
    before = everything(repo)
    hook = executable(tmp_path, "echo half > company.yaml; exit 1")
    with pytest.raises(FactoryError, match="10-ours ended with 1: nothing was changed"):
        update.update(repo, "0.2.0", None, {}, lambda _line: None, hooks=[hook])
    assert everything(repo) == before
    assert git(repo, "status", "--porcelain") == ""


def test_given_conflicts_then_the_companys_hook_waits_and_runs_on_what_was_decided(repo: Path, tmp_path: Path) -> None:
    edit(repo, "Makefile", "List the targets.", "What can be done here.")
    commit(repo, "Say it better")
    hook = executable(tmp_path, 'echo "$FACTORY_EVENT $FACTORY_VERSION" > company.yaml; echo "# ours" >> Makefile')
    plan = update.update(repo, "0.2.0", None, {}, quiet, hooks=[hook])
    assert "run once you have decided, by factory update --continue: 10-ours" in plan.notes
    assert not (repo / "company.yaml").exists()
    text = (repo / "Makefile").read_text()
    (repo / "Makefile").write_text(text.split("<<<<<<<")[0] + "decided:\n")

    _change_set, waits = update.go_on(repo, quiet, hooks=[hook])

    assert not waits
    assert (repo / "company.yaml").read_text() == "after_update 0.2.0\n"
    assert (repo / "Makefile").read_text().endswith("decided:\n# ours\n")
    assert all(line[1] == " " for line in git(repo, "status", "--porcelain").splitlines())
    commit(repo, "Follow the factory 0.2.0")
    assert (repo / "docs" / "on-call.md").is_file()
    assert follow(repo).changes_nothing
