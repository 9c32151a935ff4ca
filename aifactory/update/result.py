"""The result of an update as files: a work tree of git's beside the repo, for whatever has to look at or change it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from aifactory.git import attempt, git, line
from aifactory.update import record, tree
from aifactory.update.record import ChangeSet
from aifactory.workshop import workshop

_PREFIX = ".factory-update-"


@contextmanager
def checked_out(repo: Path, change_set: ChangeSet) -> Iterator[Path]:
    """A work tree with what a change set without conflicts makes; gone at the end, after a kill with the next one."""
    parent = repo.parent if os.access(repo.parent, os.W_OK) else Path(tempfile.gettempdir())
    with workshop(parent, _PREFIX) as folder:
        _forget_gone(repo)
        place = folder / repo.name
        git(repo, "worktree", "add", "--quiet", "--detach", str(place), commit(repo, change_set))
        try:
            yield place
        finally:
            attempt(repo, "worktree", "remove", "--force", "--force", str(place))


def _forget_gone(repo: Path) -> None:
    """Make git forget the work trees of killed updates; those of the owner that are not there now are the owner's."""
    for said in git(repo, "worktree", "list", "--porcelain").splitlines():
        path = Path(os.fsdecode(said.removeprefix(b"worktree ")))
        if path.is_absolute() and path.parent.name.startswith(_PREFIX) and not path.exists():
            attempt(repo, "worktree", "remove", "--force", "--force", str(path))


def taken_over(repo: Path, change_set: ChangeSet, place: Path) -> ChangeSet:
    """The change set with what was changed in the work tree `place` since it was checked out."""
    before = tree.of_commit(repo, change_set.head)
    git(place, "add", "--all")
    after = tree.of_commit(repo, line(place, "write-tree"))
    return replace(change_set, changes=record.changes(before, after))


def commit(repo: Path, change_set: ChangeSet) -> str:
    """A commit of the result that no ref names; git forgets it in time."""
    entries = tree.of_commit(repo, change_set.head)
    for change in change_set.changes:
        entries.pop(change.path, None)
    entries |= {change.path: change.after for change in change_set.changes if change.after}
    identity = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "factory"), ("EMAIL", "factory@localhost"))
    }
    arguments = ("commit-tree", tree.write(repo, entries), "-p", change_set.head, "-m", f"Update {change_set.title}")
    return git(repo, *arguments, variables=identity).decode().strip()
