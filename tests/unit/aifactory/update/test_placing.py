"""The result of an update takes its place in a real git repo: whole, resumed or undone, whatever stops it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aifactory import update
from aifactory.git import attempt
from aifactory.update import conflicts, index, placing, record, tree
from aifactory.update.record import Change, ChangeSet, Phase
from aifactory.update.tree import EXECUTABLE, FILE, Entry
from aifactory_runtime.errors import FactoryError, NeedsPerson, UsageProblem
from tests.fixtures.usecase_repo import commit, git
from tests.unit.aifactory.update.kills import Killed, killed_at
from tests.unit.aifactory.update.moves import MARKED, made, make_repo, state


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "repo")


def test_given_a_clean_repo_then_all_is_staged_and_the_rest_untouched(repo: Path) -> None:
    before, change_set = state(repo), made(repo)
    placing.move_in(repo, change_set)

    after = state(repo)
    assert after["head"] == before["head"]
    assert after["files"]["docs"] == (b"a file now\n", 0o644)
    assert after["files"]["gone.txt/inside.txt"] == (b"a folder now\n", 0o644)
    assert after["files"]["vendor/deep/new.py"] == (b"x = 1\n", 0o755)
    assert (after["files"]["link"], after["files"]["run.sh"][1]) == ("run.sh", 0o644)
    for path in ("notes.txt", "data.bin", "both.txt"):
        assert after["files"][path] == before["files"][path]
    assert all(line[1] == " " for line in after["status"].splitlines()), "something is not staged"
    assert record.noted(repo) is None
    commit(repo, "Follow the factory")
    assert git(repo, "status", "--porcelain") == ""
    assert tree.of_commit(repo, "HEAD")["vendor/deep/new.py"].mode == EXECUTABLE


@pytest.mark.slow
@pytest.mark.parametrize("conflict", [False, True])
@pytest.mark.parametrize("end", ["continue", "abort"])
def test_fault_16_given_a_kill_before_any_write_then_the_update_is_finished_or_undone_whole(
    repo: Path, monkeypatch: pytest.MonkeyPatch, conflict: bool, end: str
) -> None:
    before, change_set = state(repo), made(repo, conflict=conflict)
    placing.move_in(repo, change_set)
    wanted = state(repo)
    record.note(repo, change_set, Phase.CONFLICTS)
    placing.abort(repo)
    assert state(repo) == before

    kills = 0
    for step in range(1, 200):
        with killed_at(step, monkeypatch) as count:
            try:
                placing.move_in(repo, change_set)
            except Killed:
                kills += 1
        if count[0] < step:
            break
        found = record.noted(repo)
        if found is None:
            assert state(repo) in (before, wanted), f"half done at write {step}, and nobody knows"
        elif end == "continue" and found[1] is Phase.MOVING:
            placing.resume(repo)
            assert state(repo) == wanted, f"continued after write {step}"
        record.note(repo, change_set, Phase.CONFLICTS)
        placing.abort(repo)
        assert state(repo) == before, f"undone after write {step}"
    assert kills > 20


def test_fault_11_given_a_conflict_then_git_cannot_commit_it_and_continue_waits_for_the_decision(repo: Path) -> None:
    placing.move_in(repo, made(repo, conflict=True))
    assert (repo / "both.txt").read_bytes() == MARKED
    assert git(repo, "ls-files", "--unmerged").count("both.txt") == 3
    assert b"unmerged" in attempt(repo, "commit", "-m", "Too early").stderr
    with pytest.raises(NeedsPerson, match=r"both\.txt:1"):
        placing.resume(repo)
    (repo / "both.txt").write_text("decided\n")
    placing.resume(repo)
    commit(repo, "Follow the factory")
    assert (repo / "both.txt").read_text() == "decided\n"
    assert git(repo, "status", "--porcelain") == ""


def test_given_a_conflict_in_a_file_without_lines_then_what_is_added_decides(repo: Path) -> None:
    before = tree.of_commit(repo, "HEAD")["data.bin"]
    its = Entry(FILE, tree.store(repo, b"\x00its"))
    change = Change("data.bin", before, None, (before, before, its), "a binary file")
    placing.move_in(repo, ChangeSet(git(repo, "rev-parse", "HEAD"), "0.1.0 to 0.2.0", (change,)))
    assert (repo / "data.bin").read_bytes() == bytes(range(256)) * 40
    with pytest.raises(NeedsPerson, match=r"data\.bin: choose one"):
        placing.resume(repo)
    git(repo, "add", "data.bin")
    placing.resume(repo)
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize("path", ["vendor", "vendor/deep/new.py", "docs/mine.txt"])
def test_given_a_file_that_git_does_not_know_in_the_way_then_it_is_named_and_nothing_changes(
    repo: Path, path: str
) -> None:
    (repo / path).parent.mkdir(parents=True, exist_ok=True)
    (repo / path).write_text("only here\n")
    before = state(repo)
    with pytest.raises(UsageProblem, match=f"{path} is in no commit"):
        placing.move_in(repo, made(repo))
    assert state(repo) == before


@pytest.mark.parametrize("again", [False, True])
def test_given_a_kill_before_anything_is_written_down_then_the_next_command_frees_the_index(
    repo: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    monkeypatch.setattr(index, "_LOCK_SECONDS", 0.1)
    with monkeypatch.context() as patch, pytest.raises(Killed):

        def killed(*_arguments: Any) -> None:
            patch.setattr(index, "_release", killed)
            raise Killed

        patch.setattr(record, "note", killed)
        placing.move_in(repo, made(repo))
    assert attempt(repo, "add", "Makefile").returncode
    if again:
        placing.move_in(repo, made(repo))
    else:
        with pytest.raises(UsageProblem, match="no update and no adoption is open"):
            placing.abort(repo)
    git(repo, "add", "--all")


@pytest.mark.parametrize("how", ["rm", "unlink"])
def test_given_a_conflicted_file_that_the_owner_removes_then_continue_takes_that_as_the_decision(
    repo: Path, how: str
) -> None:
    placing.move_in(repo, made(repo, conflict=True))
    (repo / "mine.txt").write_text("in no commit\n")
    if how == "rm":
        git(repo, "rm", "--quiet", "both.txt")
    else:
        (repo / "both.txt").unlink()
    placing.resume(repo)
    staged_now = git(repo, "diff", "--cached", "--name-status").splitlines()
    assert "D\tboth.txt" in staged_now
    assert not any("mine.txt" in one for one in staged_now)


def test_given_another_commit_or_nothing_open_then_it_is_said(repo: Path) -> None:
    with pytest.raises(UsageProblem, match="no update and no adoption is open"):
        placing.abort(repo)
    record.note(repo, made(repo), Phase.MOVING)
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "Something else")
    with pytest.raises(UsageProblem, match="HEAD is another commit"):
        placing.resume(repo)


def test_given_a_second_update_then_it_is_told_who_holds_the_repo(repo: Path) -> None:
    with record.held(repo), pytest.raises(FactoryError, match=f"process {os.getpid()}"), record.held(repo):
        pass


def test_given_hooks_of_the_repos_own_configuration_then_none_runs(repo: Path) -> None:
    for name in ("post-index-change", "post-checkout", "pre-commit"):
        hook = repo / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {repo}/hook-ran\n")
        hook.chmod(0o755)
    placing.move_in(repo, made(repo))
    assert not (repo / "hook-ran").exists()


@pytest.mark.heavy
@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"head": 1}', '{"head": 1, "changes": [1], "command": "x"}'])
def test_given_a_damaged_note_then_each_command_names_it_and_the_way_out(repo: Path, text: str) -> None:
    note = repo / ".git" / "factory-update" / "move.json"
    note.parent.mkdir()
    note.write_text(text)
    (repo / ".git" / "index.lock").write_bytes(b"factory update\n")
    looks: list[Callable[[Path], Any]] = [record.noted, conflicts.settle, update.waiting, update.interrupted]
    for act in (*looks, update.settle):
        with pytest.raises(UsageProblem, match=rf"{note} is damaged.* remove {note} and .*index\.lock, then git reset"):
            act(repo)
    for act in (placing.resume, placing.abort):
        with pytest.raises(UsageProblem, match=rf"{note} is damaged.* remove {note}, then git reset --hard"):
            act(repo)
    note.unlink()
    assert update.settle(repo) is None
