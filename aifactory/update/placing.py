"""Moves the result of an update into a repo's work tree and index; a kill at any moment can be finished or undone.

All files are written into a folder of our own first, so that a full disk changes nothing. Then, while nobody else can
change the index, the update is written down, each file takes its place by a rename, and last the index by another. No
ref of the repo changes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from aifactory.git import git, line
from aifactory.update import conflicts, index, record, tree, untouched
from aifactory.update.record import Move, Phase
from aifactory_runtime.errors import FactoryError, UsageProblem

_STAGING = ".factory/update"
"""In the repo, as a rename needs the same disk; git ignores `.factory/` there."""


def move_in(repo: Path, move: Move) -> None:
    """Write all changes into work tree and index. Call it under `record.held`, on a clean repo.

    UsageProblem, with nothing written, when HEAD or a file that the move touches changed since the move was made, or a
    file that git does not know is in the way; FactoryError when the disk is full.
    """
    _carry_out(repo, move, move, untouched.refuse_changed)


def add(repo: Path, added: Move, whole: Move) -> None:
    """Write what hooks `added` to an update whose decisions are in the index. Call it under `record.held`.

    A kill meanwhile leaves `whole`, all of the update with that, to be finished or undone. Refused as in `move_in`.
    """
    _carry_out(repo, whole, added, untouched.refuse_changed)


def resume(repo: Path) -> Move:
    """Finish what was interrupted, or take the owner's decisions in conflicts. Call it under `record.held`.

    NeedsPerson while a conflict is undecided; UsageProblem when there is nothing to go on with.
    """
    move, phase = noted_on_head(repo)
    if phase is Phase.MOVING:
        _carry_out(repo, move, move, untouched.refuse_edited)
        return move
    conflicts.take(repo, move)
    record.forget(repo)
    return move


def abort(repo: Path) -> Move:
    """Restore every path that the update touched as HEAD has it. Call it under `record.held`."""
    move, _phase = noted_on_head(repo)
    _carry_out(repo, move, move.undone(), lambda _repo, _move: None)
    return move


def _carry_out(repo: Path, noted: Move, wanted: Move, check: Callable[[Path, Move], None]) -> None:
    """Carry out `wanted`, once `check` passes; what is written down meanwhile is `noted`, which it does or undoes."""
    staging = repo / _STAGING
    shutil.rmtree(staging, ignore_errors=True)
    try:
        _stage(repo, wanted, staging)
        with index.locked(repo) as copy:
            index.change(repo, copy, wanted.changes)
            check(repo, wanted)
            record.note(repo, noted, Phase.MOVING)
            _place(repo, wanted, staging)
            index.put(repo, copy)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if wanted.conflicts:
        record.note(repo, noted, Phase.CONFLICTS)
    else:
        record.forget(repo)


def _stage(repo: Path, move: Move, staging: Path) -> None:
    """Write the files to come below `staging`, as git would check them out."""
    try:
        staging.mkdir(parents=True)
    except OSError as error:
        raise FactoryError(f"{staging} cannot be made ({error.strerror}): nothing changed") from None
    coming = {change.path: change.after for change in move.changes if change.after}
    with tree.scratch_index(repo, coming) as variables:
        git(repo, "checkout-index", "--all", f"--prefix={_STAGING}/", variables=variables)


def _place(repo: Path, move: Move, staging: Path) -> None:
    """Rename each staged file to its place, after what goes has gone."""
    for change in move.changes:
        if change.after is None and not change.stages:
            _remove(repo, repo / change.path)
    for change in move.changes:
        staged = staging / change.path
        if change.after is not None and os.path.lexists(staged):
            target = repo / change.path
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(target)


def _remove(repo: Path, path: Path) -> None:
    """Remove a file, and the folders that it leaves empty."""
    if tree.is_file(path):
        path.unlink()
    for parent in path.parents:
        if parent == repo or not parent.is_dir() or any(parent.iterdir()):
            break
        parent.rmdir()


def noted_on_head(repo: Path) -> tuple[Move, Phase]:
    """What is open in the repo. UsageProblem when nothing is, or HEAD is another commit than when it began."""
    index.free(repo)
    found = record.noted(repo)
    if found is None:
        raise UsageProblem("no update and no adoption is open in this repo")
    move = found[0]
    if line(repo, "rev-parse", "HEAD") != move.head:
        raise UsageProblem(
            f"HEAD is another commit than when the {move.called} began ({move.head[:12]}): go back to that one, then "
            f"factory {move.command} --continue or --abort"
        )
    return found
