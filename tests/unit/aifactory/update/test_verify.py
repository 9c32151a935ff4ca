"""The result of an update is tried in a work tree beside the repo, which is untouched when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory.update import result, tree
from aifactory.update.record import Change, ChangeSet
from aifactory.update.tree import FILE, Entry
from aifactory.update.verify import verify
from aifactory_runtime.errors import FactoryError
from tests.fixtures.usecase_repo import commit, git


def moved_to(tmp_path: Path, recipe: str) -> tuple[Path, ChangeSet]:
    """A repo, and an update that gives its `make check` this recipe."""
    repo = tmp_path / "place" / "repo"
    repo.mkdir(parents=True)
    git(repo, "init", "--quiet", "--initial-branch=main")
    (repo / "Makefile").write_text("setup check:\n\t@false\n")
    commit(repo, "Start")
    before = tree.of_commit(repo, "HEAD")["Makefile"]
    after = Entry(FILE, tree.store(repo, f"setup:\n\t@true\ncheck:\n\t{recipe}\n".encode()))
    return repo, ChangeSet(git(repo, "rev-parse", "HEAD"), "0.1.0 to 0.2.0", (Change("Makefile", before, after),))


def left(repo: Path) -> tuple[list[str], str, str]:
    return sorted(path.name for path in repo.parent.iterdir()), git(repo, "worktree", "list"), git(repo, "status", "-s")


@pytest.mark.heavy
def test_given_a_result_that_passes_then_nothing_is_left_behind_and_the_repo_is_as_it_was(tmp_path: Path) -> None:
    repo, change_set = moved_to(tmp_path, "@test ! -e ../repo/untracked && pwd > $(MARK)")
    before, said = left(repo), list[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARK", str(tmp_path / "mark"))
        with result.checked_out(repo, change_set) as place:
            verify(place, said.append)
    ran_in = Path((tmp_path / "mark").read_text().strip())
    assert ran_in.parent.parent == repo.parent
    assert left(repo) == before
    assert said == [
        "Verify, 2 of 3, locks: they are installed (make setup) ...",
        "Verify, 3 of 3, checks: make check runs ...",
    ]


@pytest.mark.heavy
def test_given_a_result_that_fails_then_the_end_of_what_it_printed_is_shown(tmp_path: Path) -> None:
    repo, change_set = moved_to(tmp_path, "@echo 'test_model.py failed'; exit 1")
    before = left(repo)
    words = r"(?s)make check fails on the result.*test_model\.py failed"
    with pytest.raises(FactoryError, match=words), result.checked_out(repo, change_set) as place:
        verify(place, lambda _line: None)
    assert left(repo) == before


def test_given_locks_that_cannot_be_installed_then_that_is_said_and_nothing_is_checked(tmp_path: Path) -> None:
    repo, _change_set = moved_to(tmp_path, "@echo checked")
    (repo / "Makefile").write_text("setup:\n\t@echo 'no such package'; exit 1\n")
    said = list[str]()
    with pytest.raises(FactoryError, match=r"(?s)the locks of the result cannot be installed.*no such package"):
        verify(repo, said.append)
    assert len(said) == 1
