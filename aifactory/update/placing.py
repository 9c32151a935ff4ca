"""Moves the result of an update into a repo's work tree and index; a kill at any moment can be finished or undone.

All files are written into a folder of our own first, so that a full disk changes nothing. Then, while nobody else can
change the index, the update is written down, each file takes its place by a rename, what goes is removed, and last the
index takes its place by a rename. No ref of the repo changes.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aifactory.git import git, line
from aifactory.update import conflicts, edits, index, record, tree, untouched
from aifactory.update.record import ChangeSet, Phase
from aifactory.update.rules import parents
from aifactory.update.tree import Entry
from aifactory_runtime.errors import FactoryError, UsageProblem

_STAGING = ".factory/update"
"""In the repo, as a rename needs the same disk; git ignores `.factory/` there. Where it is on another one, we copy."""


def move_in(repo: Path, change_set: ChangeSet) -> None:
    """Write all changes into work tree and index. Call it under `record.held`, on a clean repo.

    UsageProblem, with nothing written, when HEAD or a file that it touches changed since it was made, a file
    that git does not know is in the way, or a folder cannot be written; FactoryError when the disk is full.
    HalfWritten when a file cannot take its place for another reason: `resume` or `abort` comes next.
    """
    _carry_out(repo, change_set, change_set, untouched.refuse_changed)


def add(repo: Path, added: ChangeSet, whole: ChangeSet) -> None:
    """Write what hooks `added` to an update whose decisions are in the index. Call it under `record.held`.

    A kill meanwhile leaves `whole`, all of the update with that, to be finished or undone. Refused as in `move_in`.
    """
    _carry_out(repo, whole, added, untouched.refuse_changed)


def resume(repo: Path) -> ChangeSet:
    """Finish what was interrupted, or take the owner's decisions in conflicts. Call it under `record.held`.

    NeedsPerson while a conflict is undecided; UsageProblem when there is nothing to go on with.
    """
    change_set, phase = noted_on_head(repo)
    if phase is Phase.MOVING:
        _carry_out(repo, change_set, change_set, untouched.refuse_edited)
        return change_set
    conflicts.take(repo, change_set)
    record.forget(repo)
    return change_set


def abort(repo: Path, say: Callable[[str], None] = lambda _line: None) -> ChangeSet:
    """Restore every path that the update touched as HEAD has it. Call it under `record.held`.

    What somebody wrote there since it began is kept as a copy; `say` gets a line for each.
    """
    change_set, _phase = noted_on_head(repo)
    edits.keep(repo, change_set, say)
    _carry_out(repo, change_set, change_set.undone(), lambda _repo, _change_set: None)
    return change_set


def _carry_out(repo: Path, noted: ChangeSet, wanted: ChangeSet, check: Callable[[Path, ChangeSet], None]) -> None:
    """Carry out `wanted`, once `check` passes; what is written down meanwhile is `noted`, which it does or undoes."""
    staging = repo / _STAGING
    shutil.rmtree(staging, ignore_errors=True)
    try:
        _stage(repo, wanted, staging)
        with index.locked(repo) as copy:
            index.change(repo, copy, wanted.changes)
            check(repo, wanted)
            record.note(repo, noted, Phase.MOVING)
            try:
                _place(repo, wanted, staging)
                index.put(repo, copy)
            except FactoryError as error:
                raise index.HalfWritten(
                    f"{error}: the {noted.called} is half written; mend that, then factory {noted.command} "
                    "--continue, or undo it with --abort"
                ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if wanted.conflicts:
        record.note(repo, noted, Phase.CONFLICTS)
    else:
        record.forget(repo)


def _stage(repo: Path, change_set: ChangeSet, staging: Path) -> None:
    """Write the files to come below `staging`, as git would check them out."""
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise FactoryError(f"{staging} cannot be made ({error.strerror}): nothing changed") from None
    coming = {change.path: change.after for change in change_set.changes if change.after}
    with tree.scratch_index(repo, coming) as variables:
        git(repo, "checkout-index", "--all", f"--prefix={_STAGING}/", variables=variables)


def _place(repo: Path, change_set: ChangeSet, staging: Path) -> None:
    """Rename each staged file to its place and remove what goes, which waits until as much as possible is there."""
    coming = {one.path: one.after for one in change_set.changes if one.after and os.path.lexists(staging / one.path)}
    blocked = [path for path in coming if _is_blocked(repo, path)]
    for path in [path for path in coming if path not in blocked]:
        _put(repo, path, coming[path], staging / path)
    for change in change_set.changes:
        if change.after is None and not change.stages:
            _remove(repo, change.path)
    for path in blocked:
        _put(repo, path, coming[path], staging / path)


def _is_blocked(repo: Path, path: str) -> bool:
    """Whether something that goes has to go first: a folder at the path, or a file where it needs a folder."""
    target = repo / path
    is_folder = target.is_dir() and not target.is_symlink()
    return is_folder or any(tree.is_file(repo / parent) for parent in parents(path))


def _put(repo: Path, path: str, wanted: Entry, staged: Path) -> None:
    """Rename a staged file to its place. FactoryError when that fails and the file is not there already."""
    target = repo / path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _rename(staged, target)
    except OSError as error:
        if untouched.differing(repo, {path: wanted}):
            raise FactoryError(f"{path} cannot be put in its place ({error.strerror})") from None


def _rename(staged: Path, target: Path) -> None:
    """Rename, from another disk by a copy beside the target."""
    try:
        staged.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = _part(target)
        try:
            part.unlink(missing_ok=True)
            shutil.copy2(staged, part, follow_symlinks=False)
            part.replace(target)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _part(target: Path) -> Path:
    """Where a file from another disk is written first."""
    return target.with_name(f".{target.name}.factory-part")


def _remove(repo: Path, path: str) -> None:
    """Remove a file with what a killed copy of it left, and the folders that it leaves empty, where that can be."""
    target = repo / path
    try:
        if tree.is_file(target):
            target.unlink()
        if tree.is_file(_part(target)):
            _part(target).unlink()
    except OSError as error:
        raise FactoryError(f"{path} cannot be removed ({error.strerror})") from None
    for parent in target.parents:
        if parent == repo or not parent.is_dir() or any(parent.iterdir()):
            break
        with suppress(OSError):  # a folder that another disk is mounted on stays
            parent.rmdir()


def noted_on_head(repo: Path) -> tuple[ChangeSet, Phase]:
    """What is open in the repo. UsageProblem when nothing is, or HEAD is another commit than when it began."""
    index.free(repo)
    found = record.noted(repo)
    if found is None:
        raise UsageProblem("no update and no adoption is open in this repo")
    change_set = found[0]
    if line(repo, "rev-parse", "HEAD") != change_set.head:
        raise UsageProblem(
            f"HEAD is another commit than when the {change_set.called} began ({change_set.head[:12]}): go back to "
            f"that one, then factory {change_set.command} --continue or --abort"
        )
    return found
