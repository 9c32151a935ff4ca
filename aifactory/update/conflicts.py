"""What a person has to decide of an update: whether it is decided, and what became of it when it was committed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from aifactory.git import git, line, split_nul
from aifactory.update import record, tree, untouched
from aifactory.update.record import Change, ChangeSet, Phase
from aifactory.workshop import scratch
from aifactory_runtime.errors import NeedsPerson

_MARKER = re.compile(rb"^(?:<{7} |>{7} )", re.MULTILINE)


def refuse_undecided(repo: Path, change_set: ChangeSet) -> None:
    """NeedsPerson, which names each conflict that is left."""
    left = [found for change in change_set.conflicts for found in _undecided(repo, change)]
    if left:
        raise NeedsPerson(
            "\n".join(["conflicts are left:", *left, f"decide them, then: factory {change_set.command} --continue"])
        )


def take(repo: Path, change_set: ChangeSet, variables: Mapping[str, str] | None = None) -> None:
    """Put the owner's decisions into the index, or into another that git's `variables` name. NeedsPerson as above."""
    refuse_undecided(repo, change_set)
    paths = [change.path for change in change_set.conflicts]
    known = set(split_nul(git(repo, "ls-files", "-z", "--", *paths))) if paths else set()
    found = [path for path in paths if path in known or os.path.lexists(repo / path)]
    if found:
        git(repo, "add", "--all", "--force", "--", *found, variables=variables)


def decided(repo: Path, change_set: ChangeSet) -> tree.Tree:
    """What the index holds once the decisions are taken; it is not changed. NeedsPerson as above."""
    with scratch("index") as folder:
        copy = folder / "index"
        shutil.copyfile(tree.repo_path(repo, "index"), copy)
        variables = {"GIT_INDEX_FILE": str(copy)}
        take(repo, change_set, variables)
        return tree.of_commit(repo, git(repo, "write-tree", variables=variables).decode().strip())


def settle(repo: Path) -> tuple[ChangeSet, str] | None:
    """Forget an update that the owner ended with git alone: it, and a sentence that says what HEAD has of it.

    None when nothing is open, or the update still waits: HEAD did not move, or something is undecided or half written.
    """
    noted = record.noted(repo)
    if noted is None:
        return None
    change_set, phase = noted
    head = line(repo, "rev-parse", "HEAD")
    if head == change_set.head or git(repo, "ls-files", "--unmerged"):
        return None
    has = tree.of_commit(repo, head)
    if phase is Phase.MOVING and untouched.differing(repo, {one.path: has.get(one.path) for one in change_set.changes}):
        return None
    record.forget(repo)
    return change_set, _told(repo, change_set, head, has)


def _told(repo: Path, change_set: ChangeSet, head: str, has: tree.Tree) -> str:
    as_before = [change.path for change in change_set.changes if has.get(change.path) == change.before]
    taken = f"{len(change_set.changes) - len(as_before)} of its {len(change_set.changes)} files changed"
    kept = f", as before: {', '.join(as_before)}" if 0 < len(as_before) < len(change_set.changes) else ""
    left = [found.strip() for change in change_set.conflicts if change.marked for found in _undecided(repo, change)]
    marked = f"; markers are left in {', '.join(left)}" if left else ""
    return f"HEAD moved on to {head[:12]}, so the {change_set.called} is closed: {taken} there{kept}{marked}"


def _undecided(repo: Path, change: Change) -> list[str]:
    """Where a conflict is still undecided, one line each."""
    if not change.marked:
        # What the owner adds to the index, or removes from it, is the decision.
        unmerged = split_nul(git(repo, "ls-files", "--unmerged", "-z", "--", change.path))
        return [f"  {change.path}: choose one, then git add or git rm it"] if unmerged else []
    path = repo / change.path
    if not path.is_file():
        return []
    content = path.read_bytes()
    found = _MARKER.search(content)
    return [f"  {change.path}:{content[: found.start()].count(bytes([10])) + 1}"] if found else []
