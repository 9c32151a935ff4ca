"""An update that its owner ended with git alone is closed, with a sentence; one that still waits is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory import update
from aifactory.update import conflicts, placing, record, tree
from aifactory.update.record import Change, ChangeSet, Phase
from aifactory.update.tree import FILE, Entry
from aifactory_runtime.errors import NeedsPerson, UsageProblem
from tests.fixtures.usecase_repo import commit, git

MARKED = b"<<<<<<< yours\nmine\n=======\nits\n>>>>>>> factory\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repo with an update in it that waits for one decision."""
    root = tmp_path / "repo"
    root.mkdir()
    for path in ("Makefile", "both.txt", "picture.png"):
        (root / path).write_bytes(b"\x00mine\n" if path == "picture.png" else b"mine\n")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "Start")
    return root


def made(repo: Path, *, binary: bool = False) -> ChangeSet:
    before = tree.of_commit(repo, "HEAD")
    its = Entry(FILE, tree.store(repo, b"\x00its\n"))
    path = "picture.png" if binary else "both.txt"
    after = before[path] if binary else Entry(FILE, tree.store(repo, MARKED))
    conflict = Change(path, before[path], after, (None, before[path], its), "edited by both")
    change = Change("Makefile", before["Makefile"], Entry(FILE, tree.store(repo, b"all: check\n")))
    return ChangeSet(git(repo, "rev-parse", "HEAD"), "0.1.0 to 0.2.0", (change, conflict))


def test_given_a_decision_that_was_committed_by_git_alone_then_the_update_is_closed_and_said(repo: Path) -> None:
    placing.move_in(repo, made(repo))
    (repo / "both.txt").write_text("decided\n")
    head = commit(repo, "Follow the factory")
    settled = update.settle(repo)
    assert settled is not None
    assert settled[1] == (
        f"HEAD moved on to {head[:12]}, so the update 0.1.0 to 0.2.0 is closed: 2 of its 2 files changed there"
    )
    assert record.noted(repo) is None
    update.refuse_open(repo)
    assert update.settle(repo) is None
    assert git(repo, "status", "--porcelain") == ""


def test_given_the_owners_version_taken_and_committed_then_it_is_named_as_before(repo: Path) -> None:
    placing.move_in(repo, made(repo))
    git(repo, "checkout", "--quiet", "HEAD", "--", "both.txt")
    commit(repo, "Follow the factory")
    settled = update.settle(repo)
    assert settled is not None
    assert settled[1].endswith("1 of its 2 files changed there, as before: both.txt")


def test_given_all_committed_with_the_markers_in_it_then_the_files_that_hold_them_are_named(repo: Path) -> None:
    placing.move_in(repo, made(repo))
    git(repo, "commit", "--quiet", "--all", "--message", "Too early")
    settled = update.settle(repo)
    assert settled is not None
    assert settled[1].endswith("2 of its 2 files changed there; markers are left in both.txt:1")


@pytest.mark.parametrize("phase", [Phase.CONFLICTS, Phase.MOVING])
def test_given_an_update_that_the_owner_threw_away_and_went_on_then_it_is_closed(repo: Path, phase: Phase) -> None:
    change_set = made(repo)
    placing.move_in(repo, change_set)
    record.note(repo, change_set, phase)
    git(repo, "reset", "--quiet", "--hard")
    git(repo, "commit", "--quiet", "--allow-empty", "--message", "Something else")
    settled = update.settle(repo)
    assert settled is not None
    assert settled[1].endswith("0 of its 2 files changed there")


def test_given_a_decision_that_is_staged_and_not_committed_then_the_update_still_waits_for_its_end(repo: Path) -> None:
    placing.move_in(repo, made(repo))
    (repo / "both.txt").write_text("decided\n")
    git(repo, "add", "both.txt")
    assert update.settle(repo) is None
    assert record.noted(repo) is not None


@pytest.mark.heavy
def test_given_something_undecided_or_half_written_then_it_still_waits_and_head_has_to_go_back(repo: Path) -> None:
    change_set = made(repo)
    placing.move_in(repo, change_set)
    assert update.settle(repo) is None
    git(repo, "update-ref", "HEAD", git(repo, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "Beside"))
    assert update.settle(repo) is None
    with pytest.raises(UsageProblem, match="HEAD is another commit"):
        placing.abort(repo)
    git(repo, "reset", "--quiet", "--hard")
    record.note(repo, change_set, Phase.MOVING)
    (repo / "Makefile").write_text("all: check\n")
    assert update.settle(repo) is None
    with pytest.raises(UsageProblem, match="HEAD is another commit"):
        placing.resume(repo)


@pytest.mark.heavy
def test_given_a_conflict_without_markers_then_both_versions_are_where_it_is_said(repo: Path) -> None:
    change_set = made(repo, binary=True)
    placing.move_in(repo, change_set)
    assert (repo / "picture.png").read_bytes() == b"\x00mine\n"
    with pytest.raises(NeedsPerson, match=r"picture\.png: choose one, then git add"):
        conflicts.take(repo, change_set)
    git(repo, "checkout", "--theirs", "--", "picture.png")
    assert (repo / "picture.png").read_bytes() == b"\x00its\n"
    git(repo, "add", "picture.png")
    conflicts.take(repo, change_set)
    placing.abort(repo)
    assert git(repo, "status", "--porcelain") == ""
