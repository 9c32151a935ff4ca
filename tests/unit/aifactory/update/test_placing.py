"""The result of an update takes its place in a real git repo: whole, resumed or undone, whatever stops it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aifactory import update
from aifactory.git import attempt
from aifactory.git import git as run_git
from aifactory.update import conflicts, index, placing, record, tree
from aifactory.update.record import Change, Move, Phase
from aifactory.update.tree import EXECUTABLE, FILE, LINK, Entry
from aifactory_runtime.errors import FactoryError, NeedsPerson, UsageProblem
from tests.fixtures.usecase_repo import commit, git
from tests.unit.aifactory.update.kills import Killed, killed_at

MARKED = b"<<<<<<< yours\nmine\n=======\nits\n>>>>>>> factory\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Files of all kinds, committed, and one that git does not know."""
    root = tmp_path / "repo"
    (root / "docs").mkdir(parents=True)
    (root / "Makefile").write_text("all:\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "docs" / "old.md").write_text("old\n")
    (root / "gone.txt").write_text("gone\n")
    (root / "both.txt").write_text("mine\n")
    (root / "data.bin").write_bytes(bytes(range(256)) * 40)
    (root / "link").symlink_to("Makefile")
    (root / ".gitignore").write_text(".factory/\nnotes.txt\n")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "Start")
    (root / "notes.txt").write_text("only here\n")
    return root


def made(repo: Path, *, conflict: bool = False) -> Move:
    """A move that adds, changes, removes, renames, makes a file of a folder, and a folder of a file."""
    before = tree.of_commit(repo, "HEAD")

    def new(text: str | bytes, mode: str = FILE) -> Entry:
        return Entry(mode, tree.store(repo, text.encode() if isinstance(text, str) else text))

    changes = [
        Change("Makefile", before["Makefile"], new("all: check\n")),
        Change("run.sh", before["run.sh"], Entry(FILE, before["run.sh"].blob)),
        Change("docs", None, new("a file now\n")),
        Change("docs/old.md", before["docs/old.md"], None),
        Change("gone.txt", before["gone.txt"], None),
        Change("gone.txt/inside.txt", None, new("a folder now\n")),
        Change("vendor/deep/new.py", None, new("x = 1\n", EXECUTABLE)),
        Change("link", before["link"], new("run.sh", LINK)),
    ]
    if conflict:
        stages = (new("base\n"), before["both.txt"], new("its\n"))
        changes.append(Change("both.txt", before["both.txt"], new(MARKED), stages, "edited by both"))
    return Move(git(repo, "rev-parse", "HEAD"), "0.1.0 to 0.2.0", tuple(changes))


def state(repo: Path) -> dict[str, Any]:
    """All that a person has: every file with mode and content, what git says, where HEAD is."""
    files = {}
    for path in tree.files_of(repo):
        full = repo / path
        files[path] = str(full.readlink()) if full.is_symlink() else (full.read_bytes(), full.stat().st_mode & 0o777)
    return {"files": files, "status": git(repo, "status", "--porcelain"), "head": git(repo, "rev-parse", "HEAD")}


def test_given_a_clean_repo_then_all_is_staged_and_the_rest_untouched(repo: Path) -> None:
    before, move = state(repo), made(repo)
    placing.move_in(repo, move)

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
    before, move = state(repo), made(repo, conflict=conflict)
    placing.move_in(repo, move)
    wanted = state(repo)
    record.note(repo, move, Phase.CONFLICTS)
    placing.abort(repo)
    assert state(repo) == before

    kills = 0
    for step in range(1, 200):
        with killed_at(step, monkeypatch) as count:
            try:
                placing.move_in(repo, move)
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
        record.note(repo, move, Phase.CONFLICTS)
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
    placing.move_in(repo, Move(git(repo, "rev-parse", "HEAD"), "0.1.0 to 0.2.0", (change,)))
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


def test_given_a_full_disk_then_nothing_is_changed(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, move = state(repo), made(repo)

    def full(folder: Path, *arguments: str, **named: Any) -> bytes:
        if arguments[0] == "checkout-index":
            raise FactoryError("git checkout-index failed: No space left on device")
        return run_git(folder, *arguments, **named)

    monkeypatch.setattr("aifactory.update.placing.git", full)
    with pytest.raises(FactoryError, match="No space left"):
        placing.move_in(repo, move)
    assert state(repo) == before
    assert record.noted(repo) is None


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
    move = made(repo)
    act(repo)
    before = state(repo)
    with pytest.raises(UsageProblem, match=rf"{re.escape(named)} is not as the last commit has it.*update") as raised:
        placing.move_in(repo, move)
    assert "\n" not in str(raised.value)
    assert state(repo) == before
    assert record.noted(repo) is None


def test_given_a_commit_while_the_update_was_made_then_it_is_said_and_nothing_is_written(repo: Path) -> None:
    move = made(repo)
    (repo / "both.txt").write_text("more\n")
    commit(repo, "Meanwhile")
    before = state(repo)
    with pytest.raises(UsageProblem, match=r"HEAD moved .* nothing was written.*factory update"):
        placing.move_in(repo, move)
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

    def noting(root: Path, move: Move, phase: Phase) -> None:
        (root / "mine.txt").write_text("mine\n")
        said.append(attempt(root, "add", "mine.txt").stderr)
        real(root, move, phase)

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


def test_given_a_disk_without_hard_links_then_the_update_is_placed_all_the_same(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: Any, **_named: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    placing.move_in(repo, made(repo))
    assert git(repo, "diff", "--name-only") == ""
    assert not (repo / ".git" / "index.lock").exists()
    (repo / ".git" / "index.lock").write_bytes(b"")
    monkeypatch.setattr(index, "_LOCK_SECONDS", 0.1)
    with pytest.raises(FactoryError, match=r"another git process"):
        placing.move_in(repo, made(repo))


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


@pytest.mark.parametrize("path", ["Makefile", "vendor/deep/new.py", "gone.txt"])
def test_given_a_file_edited_after_an_interruption_then_continue_refuses_it_by_name(repo: Path, path: str) -> None:
    move = made(repo)
    record.note(repo, move, Phase.MOVING)
    (repo / path).parent.mkdir(parents=True, exist_ok=True)
    (repo / path).write_text("my own work\n")
    with pytest.raises(
        UsageProblem, match=rf"{re.escape(path)} was edited after the update .* was interrupted.*--abort"
    ):
        placing.resume(repo)
    assert (repo / path).read_text() == "my own work\n"


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


def failing(
    monkeypatch: pytest.MonkeyPatch, name: str, number: int, fails: Callable[[int, tuple[Path, ...]], bool]
) -> list[int]:
    """Make a method of Path fail with the error `number` where `fails` says so; what is returned counts its calls."""
    count, real = [0], getattr(Path, name)

    def called(*paths: Any, **named: Any) -> Any:
        count[0] += 1
        if fails(count[0], paths):
            raise OSError(number, os.strerror(number))
        return real(*paths, **named)

    monkeypatch.setattr(Path, name, called)
    return count


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "number", "least"),
    [("replace", errno.EXDEV, 1), ("replace", errno.EPERM, 7), ("unlink", errno.EPERM, 2)],
)
def test_given_a_disk_that_refuses_one_write_then_the_repo_is_as_before_or_it_is_said_and_abort_undoes_it(
    repo: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int, least: int
) -> None:
    before, move = state(repo), made(repo)
    halves = 0
    for step in range(1, 100):
        with monkeypatch.context() as patch:
            count = failing(patch, name, number, lambda called, _paths, step=step: called == step)  # type: ignore[misc]
            try:
                placing.move_in(repo, move)
            except index.HalfWritten as error:
                halves += 1
                assert re.search(r"is half written; mend that, .* --continue, or undo it with --abort$", str(error))
                assert b"index.lock" in attempt(repo, "commit", "--all", "-m", "Half").stderr
            except (FactoryError, OSError):
                assert record.noted(repo) is None or state(repo) != before
        if count[0] < step:
            break
        if record.noted(repo):
            placing.abort(repo)
        else:
            git(repo, "reset", "--quiet", "--hard")
        assert state(repo) == before, f"undone after write {step}"
        assert not (repo / ".git" / "index.lock").exists()
    assert halves >= least


def test_given_a_staging_folder_on_another_disk_then_all_is_staged_and_can_be_undone(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    (repo / ".factory").symlink_to(tmp_path / "other")
    before, move = state(repo), made(repo)
    failing(monkeypatch, "replace", errno.EXDEV, lambda _called, paths: ".factory" in paths[0].parts)
    placing.move_in(repo, move)
    assert git(repo, "diff", "--name-only") == ""
    assert os.access(repo / "vendor" / "deep" / "new.py", os.X_OK)
    assert (repo / "link").readlink() == Path("run.sh")
    record.note(repo, move, Phase.MOVING)
    placing.abort(repo)
    assert state(repo) == before


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("replace", "run.sh", r"run\.sh cannot be put in its place \(Operation not permitted\)"),
        ("unlink", "gone.txt", r"gone\.txt cannot be removed \(Operation not permitted\)"),
    ],
)
def test_given_a_file_that_nobody_can_change_then_it_is_named_and_abort_works_all_the_same(
    repo: Path, monkeypatch: pytest.MonkeyPatch, name: str, path: str, words: str
) -> None:
    before, move = state(repo), made(repo)
    failing(monkeypatch, name, errno.EPERM, lambda _called, paths: paths[-1] == repo / path)
    with pytest.raises(FactoryError, match=f"^{words}: the update 0.1.0 to 0.2.0 is half written"):
        placing.move_in(repo, move)
    assert (repo / "gone.txt").is_file()
    with pytest.raises(FactoryError, match=words):
        placing.resume(repo)
    placing.abort(repo)
    assert state(repo) == before


@pytest.mark.parametrize(
    ("folder", "path"), [(".", "Makefile"), ("docs", "docs/old.md"), ("vendor", "vendor/deep/new.py")]
)
def test_given_a_folder_that_cannot_be_written_then_it_is_named_and_nothing_changes(
    repo: Path, monkeypatch: pytest.MonkeyPatch, folder: str, path: str
) -> None:
    (repo / "vendor").mkdir()
    before, move, real = state(repo), made(repo), os.access
    monkeypatch.setattr(os, "access", lambda place, mode: Path(place) != repo / folder and real(place, mode))
    words = f"the folder {repo / folder} cannot be written, and {path} changes there: nothing was written"
    with pytest.raises(UsageProblem, match=words) as raised:
        placing.move_in(repo, move)
    assert "\n" not in str(raised.value)
    assert state(repo) == before
    assert record.noted(repo) is None


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
