"""Refuses a change set where something was done to its paths since it was made: what lies there would be lost."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from aifactory.git import attempt, git, line, split_nul
from aifactory.update import tree, writable
from aifactory.update.record import ChangeSet
from aifactory.update.rules import parents
from aifactory.update.tree import Entry, Tree
from aifactory_runtime.errors import UsageProblem


def refuse_changed(repo: Path, change_set: ChangeSet) -> None:
    """UsageProblem unless HEAD, index and files are as the change set found them, and nothing is in its way.

    Files are told by their content, as git may have been told not to look at some.
    """
    head = line(repo, "rev-parse", "HEAD")
    if head != change_set.head:
        raise UsageProblem(
            f"HEAD moved from {change_set.head[:12]} to {head[:12]} while the {change_set.called} was made: nothing "
            f"was written; factory {change_set.command} again"
        )
    before = {change.path: change.before for change in change_set.changes}
    indexed, left_out = _indexed(repo)
    changed = {path for path, entry in before.items() if indexed.get(path) != entry}
    there = {path: entry for path, entry in before.items() if entry and path not in left_out}
    changed |= differing(repo, there)
    if changed:
        raise UsageProblem(
            f"{min(changed)} is not as the last commit has it: nothing was written; commit or undo your change, then "
            f"factory {change_set.command} again"
        )
    refuse_unknown(repo, change_set)
    writable.refuse_unwritable(repo, change_set)


def refuse_unknown(repo: Path, change_set: ChangeSet) -> None:
    """UsageProblem for what lies, unknown to git or ignored, where the change set puts a file."""
    going = {change.path for change in change_set.changes if change.before and not change.after}
    for change in change_set.changes:
        if change.before is not None or change.after is None:
            continue
        for place in (change.path, *parents(change.path)):
            found = _in_the_way(repo, place, going, is_file=place == change.path)
            if found:
                raise UsageProblem(f"{found} is in no commit, and {change.path} is to be put there: move it away")


def refuse_edited(repo: Path, change_set: ChangeSet) -> None:
    """UsageProblem when somebody edited a file of the change set since it began."""
    found = edited(repo, change_set)
    if found:
        raise UsageProblem(
            f"{min(found)} was edited after the {change_set.called} was interrupted: factory {change_set.command} "
            "--abort keeps a copy of it and says where"
        )


def edited(repo: Path, change_set: ChangeSet) -> set[str]:
    """Paths that hold neither what was there, nor what is to be, nor a version that the change set knows besides."""
    before, after = ({one.path: getattr(one, side) for one in change_set.changes} for side in ("before", "after"))
    found = differing(repo, before) & differing(repo, after)
    others = {one.path: [*one.between, *(one.stages or ())] for one in change_set.changes if one.path in found}
    for number in range(max(map(len, others.values()), default=0)):
        known = {path: entries[number] for path, entries in others.items() if len(entries) > number}
        found -= known.keys() - differing(repo, known)
    return found


def differing(repo: Path, wanted: Mapping[str, Entry | None]) -> set[str]:
    """The paths that hold something else than `wanted` says, by content and mode as git would keep them."""
    there = {path: entry for path, entry in wanted.items() if entry}
    found = {path for path, entry in wanted.items() if entry is None and tree.is_file(repo / path)}
    with tree.scratch_index(repo, there) as variables:
        attempt(repo, "update-index", "-q", "--refresh", variables=variables)
        return found | set(split_nul(git(repo, "diff-files", "--name-only", "-z", variables=variables)))


def _indexed(repo: Path) -> tuple[Tree, set[str]]:
    """What the index has, and the paths that a sparse checkout leaves out."""
    entries, left_out = {}, set()
    for printed in split_nul(git(repo, "ls-files", "-t", "--stage", "-z")):
        head, _, path = printed.partition("\t")
        tag, mode, blob, stage = head.split()
        entries[path] = Entry(mode if stage == "0" else f"unmerged {stage}", blob)
        if tag == "S" and not os.path.lexists(repo / path):
            left_out.add(path)
    return entries, left_out


def _in_the_way(repo: Path, place: str, going: set[str], *, is_file: bool) -> str | None:
    """What lies at `place`, which is to be a file or a folder, and does not go with the update."""
    full = repo / place
    if place in going or not os.path.lexists(full):
        return None
    if tree.is_file(full):
        return place
    if not is_file:
        return None
    inside = (f"{place}/{path}" for path in tree.files_of(full))
    return next((path for path in inside if path not in going), None)
