"""An update on disks and files that refuse: nothing changes, or it is said and can be undone."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aifactory.git import attempt
from aifactory.git import git as run_git
from aifactory.update import index, placing, record
from aifactory.update.record import Phase
from aifactory_runtime.errors import FactoryError, UsageProblem
from tests.fixtures.usecase_repo import git
from tests.unit.aifactory.update.moves import made, make_repo, state


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "repo")


def test_given_a_full_disk_then_nothing_is_changed(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, change_set = state(repo), made(repo)

    def full(folder: Path, *arguments: str, **named: Any) -> bytes:
        if arguments[0] == "checkout-index":
            raise FactoryError("git checkout-index failed: No space left on device")
        return run_git(folder, *arguments, **named)

    monkeypatch.setattr("aifactory.update.placing.git", full)
    with pytest.raises(FactoryError, match="No space left"):
        placing.move_in(repo, change_set)
    assert state(repo) == before
    assert record.noted(repo) is None


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
    before, change_set = state(repo), made(repo)
    halves = 0
    for step in range(1, 100):
        with monkeypatch.context() as patch:
            count = failing(patch, name, number, lambda called, _paths, step=step: called == step)  # type: ignore[misc]
            try:
                placing.move_in(repo, change_set)
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
    before, change_set = state(repo), made(repo)
    failing(monkeypatch, "replace", errno.EXDEV, lambda _called, paths: ".factory" in paths[0].parts)
    placing.move_in(repo, change_set)
    assert git(repo, "diff", "--name-only") == ""
    assert os.access(repo / "vendor" / "deep" / "new.py", os.X_OK)
    assert (repo / "link").readlink() == Path("run.sh")
    record.note(repo, change_set, Phase.MOVING)
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
    before, change_set = state(repo), made(repo)
    failing(monkeypatch, name, errno.EPERM, lambda _called, paths: paths[-1] == repo / path)
    with pytest.raises(FactoryError, match=f"^{words}: the update 0.1.0 to 0.2.0 is half written"):
        placing.move_in(repo, change_set)
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
    before, change_set, real = state(repo), made(repo), os.access
    monkeypatch.setattr(os, "access", lambda place, mode: Path(place) != repo / folder and real(place, mode))
    words = f"the folder {repo / folder} cannot be written, and {path} changes there: nothing was written"
    with pytest.raises(UsageProblem, match=words) as raised:
        placing.move_in(repo, change_set)
    assert "\n" not in str(raised.value)
    assert state(repo) == before
    assert record.noted(repo) is None
