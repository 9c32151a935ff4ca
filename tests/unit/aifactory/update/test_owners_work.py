"""What the owner does while an update runs or waits: it is named or kept, never written over."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from aifactory.git import attempt
from aifactory.update import index, placing, record
from aifactory.update.record import ChangeSet, Phase
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.fixtures.usecase_repo import commit, git
from tests.unit.aifactory.update.moves import made, make_repo, state


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "repo")


def edited(repo: Path) -> None:
    (repo / "Makefile").write_text("all: mine\n")


def deleted(repo: Path) -> None:
    (repo / "gone.txt").unlink()


def made_executable(repo: Path) -> None:
    (repo / "Makefile").chmod(0o755)


def pointed_elsewhere(repo: Path) -> None:
    (repo / "link").unlink()
    (repo / "link").symlink_to("both.txt")


def staged(repo: Path) -> None:
    edited(repo)
    git(repo, "add", "Makefile")
    (repo / "Makefile").write_text("all:\n")


def staged_and_gone(repo: Path) -> None:
    (repo / "vendor" / "deep").mkdir(parents=True)
    (repo / "vendor" / "deep" / "new.py").write_text("mine = 1\n")
    git(repo, "add", "vendor")
    (repo / "vendor" / "deep" / "new.py").unlink()


def edited_unseen(repo: Path) -> None:
    git(repo, "update-index", "--assume-unchanged", "Makefile")
    edited(repo)


def edited_beyond_a_sparse_checkout(repo: Path) -> None:
    git(repo, "update-index", "--skip-worktree", "Makefile")
    edited(repo)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("act", "named"),
    [
        (edited, "Makefile"),
        (deleted, "gone.txt"),
        (made_executable, "Makefile"),
        (pointed_elsewhere, "link"),
        (staged, "Makefile"),
        (staged_and_gone, "vendor/deep/new.py"),
        (edited_unseen, "Makefile"),
        (edited_beyond_a_sparse_checkout, "Makefile"),
    ],
)
def test_given_work_of_the_owner_while_the_update_was_made_then_it_is_named_and_nothing_is_written(
    repo: Path, act: Callable[[Path], None], named: str
) -> None:
    change_set = made(repo)
    act(repo)
    before = state(repo)
    with pytest.raises(UsageProblem, match=rf"{re.escape(named)} is not as the last commit has it.*update") as raised:
        placing.move_in(repo, change_set)
    assert "\n" not in str(raised.value)
    assert state(repo) == before
    assert record.noted(repo) is None


def test_given_a_commit_while_the_update_was_made_then_it_is_said_and_nothing_is_written(repo: Path) -> None:
    change_set = made(repo)
    (repo / "both.txt").write_text("more\n")
    commit(repo, "Meanwhile")
    before = state(repo)
    with pytest.raises(UsageProblem, match=r"HEAD moved .* nothing was written.*factory update"):
        placing.move_in(repo, change_set)
    assert state(repo) == before


def test_given_files_that_a_sparse_checkout_leaves_out_or_line_ends_of_another_system_then_nothing_is_in_the_way(
    repo: Path,
) -> None:
    (repo / "Makefile").write_bytes(b"all:\r\n")
    git(repo, "config", "core.autocrlf", "true")
    git(repo, "update-index", "--skip-worktree", "gone.txt")
    (repo / "gone.txt").unlink()
    placing.move_in(repo, made(repo))
    assert (repo / "gone.txt" / "inside.txt").is_file()


def test_given_a_git_add_while_files_take_their_places_then_git_refuses_it_and_nothing_of_it_is_lost(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[bytes] = []
    real = record.note

    def noting(root: Path, change_set: ChangeSet, phase: Phase) -> None:
        (root / "mine.txt").write_text("mine\n")
        said.append(attempt(root, "add", "mine.txt").stderr)
        real(root, change_set, phase)

    monkeypatch.setattr(record, "note", noting)
    git(repo, "add", "--force", "notes.txt")
    placing.move_in(repo, made(repo))
    assert b"index.lock" in said[0]
    git(repo, "add", "mine.txt")
    assert {"notes.txt", "mine.txt", "Makefile"} <= set(git(repo, "diff", "--cached", "--name-only").split())


def test_given_a_git_process_that_does_not_end_then_its_lock_is_named_and_left(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_LOCK_SECONDS", 0.1)
    lock = repo / ".git" / "index.lock"
    lock.write_bytes(b"")
    before = state(repo)
    with pytest.raises(FactoryError, match=r"another git process .*index\.lock"):
        placing.move_in(repo, made(repo))
    assert state(repo) == before
    assert lock.exists()


def test_given_the_lock_that_a_killed_git_left_at_our_copy_of_the_index_then_it_is_in_nobodys_way(repo: Path) -> None:
    (repo / ".git" / "factory-update").mkdir()
    (repo / ".git" / "factory-update" / "index.lock").write_bytes(b"")
    placing.move_in(repo, made(repo))
    assert git(repo, "diff", "--name-only") == ""


@pytest.mark.parametrize("path", ["Makefile", "vendor/deep/new.py", "gone.txt"])
def test_given_a_file_edited_after_an_interruption_then_continue_refuses_it_by_name(repo: Path, path: str) -> None:
    change_set = made(repo)
    record.note(repo, change_set, Phase.MOVING)
    (repo / path).parent.mkdir(parents=True, exist_ok=True)
    (repo / path).write_text("my own work\n")
    with pytest.raises(
        UsageProblem, match=rf"{re.escape(path)} was edited after the update .* was interrupted.*--abort"
    ):
        placing.resume(repo)
    assert (repo / path).read_text() == "my own work\n"


@pytest.mark.heavy
@pytest.mark.parametrize("path", ["Makefile", "vendor/deep/new.py", "gone.txt", "both.txt"])
def test_given_work_of_the_owner_since_the_update_began_then_abort_keeps_a_copy_and_says_where(
    repo: Path, path: str
) -> None:
    before = state(repo)
    for number in (1, 2):
        placing.move_in(repo, made(repo, conflict=True))
        if path == "gone.txt":
            (repo / path / "inside.txt").unlink()
            (repo / path).rmdir()
        (repo / path).write_text(f"my own work, {number}\n")
        said: list[str] = []
        placing.abort(repo, said.append)
        where = f".factory/edited-{number}/{path}"
        assert said == [f"{path} was edited after the update 0.1.0 to 0.2.0 began: what you wrote is kept as {where}"]
    for number in (1, 2):
        kept = repo / f".factory/edited-{number}/{path}"
        assert kept.read_text() == f"my own work, {number}\n"
        kept.unlink()
    assert state(repo) == before


@pytest.mark.heavy
def test_given_no_work_of_the_owner_or_the_factorys_version_of_a_conflict_then_abort_keeps_nothing(repo: Path) -> None:
    before = state(repo)
    placing.move_in(repo, made(repo, conflict=True))
    (repo / "both.txt").write_text("its\n")
    placing.abort(repo)
    assert state(repo) == before


def test_given_a_copy_that_cannot_be_kept_then_abort_changes_nothing(repo: Path) -> None:
    placing.move_in(repo, made(repo, conflict=True))
    (repo / "Makefile").write_text("my own work\n")
    (repo / ".factory").rmdir()
    (repo / ".factory").write_text("in the way\n")
    before = state(repo)
    with pytest.raises(FactoryError, match=r"Makefile was edited .* no copy can be kept as .*: nothing changed"):
        placing.abort(repo)
    assert state(repo) == before
