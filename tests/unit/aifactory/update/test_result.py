"""The work tree that an update's result is tried in: there while it is needed, and nothing else of git's touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aifactory.update import result, tree
from aifactory.update.record import Change, ChangeSet
from aifactory.update.tree import FILE, Entry
from tests.fixtures.usecase_repo import commit, git


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "Makefile").write_text("all:\n")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "Start")
    return root


def made(repo: Path) -> ChangeSet:
    before = tree.of_commit(repo, "HEAD")["Makefile"]
    change = Change("Makefile", before, Entry(FILE, tree.store(repo, b"all: check\n")))
    return ChangeSet(git(repo, "rev-parse", "HEAD"), "0.1.0 to 0.2.0", (change,))


def known(repo: Path) -> str:
    return git(repo, "worktree", "list", "--porcelain")


def test_given_a_move_then_its_result_lies_in_a_work_tree_that_is_gone_at_the_end(repo: Path) -> None:
    with result.checked_out(repo, made(repo)) as place:
        assert (place / "Makefile").read_text() == "all: check\n"
    assert not place.exists()
    assert known(repo).count("worktree ") == 1


@pytest.mark.heavy
def test_given_work_trees_that_are_not_there_then_ours_are_forgotten_and_the_owners_are_kept(
    repo: Path, tmp_path: Path
) -> None:
    for name in ("on-a-stick", ".factory-update-killed/repo"):
        git(repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / name))
        shutil.rmtree(tmp_path / name)
    running = tmp_path / "elsewhere" / ".factory-update-running" / "repo"
    git(repo, "worktree", "add", "--quiet", "--detach", str(running))
    with result.checked_out(repo, made(repo)):
        assert ".factory-update-killed" not in known(repo)
    assert "on-a-stick" in known(repo)
    assert str(running) in known(repo)
    assert (running / "Makefile").exists()
