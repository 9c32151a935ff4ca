"""What an update does to each file: rules over three trees (as rendered before, as it is, as rendered now), no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from aifactory.update.tree import Entry, Tree


class Outcome(StrEnum):
    """What becomes of a file."""

    ADD = "added"
    CHANGE = "changed"
    REMOVE = "removed"
    MERGE = "merged"
    """Both sides changed it."""
    KEEP_EDITED = "kept: the factory removed it, you edited it"
    KEEP_DELETED = "stays deleted: you deleted it, the factory changed it"
    CLASH = "clash: yours, where the factory puts a file of its own now"


@dataclass(frozen=True)
class Step:
    """One file of the plan: its path after the update, and the three entries that led to the outcome."""

    path: str
    outcome: Outcome
    base: Entry | None = None
    ours: Entry | None = None
    theirs: Entry | None = None
    moved_from: str | None = None
    """Its path before the update, where the owner's work went along with a file that the factory moved."""


def plan(base: Tree, ours: Tree, theirs: Tree, moved: Mapping[str, str]) -> list[Step]:
    """The steps from `ours`, by path; a file without a step stays as it is.

    `base` and `theirs` hold the factory's files only; `moved` says which of `base` may be elsewhere in `theirs`. That
    counts where the owner's work has to go along; any other is one file that went and one that came.
    """
    came_from = {new: old for old, new in moved.items() if _goes_along(base[old], ours, theirs[new], old, new)}
    steps: list[Step] = []
    for path in sorted({*base, *theirs} - {*came_from.values()}):
        if path in came_from:
            steps += _moved(base, ours, theirs, came_from[path], path)
        else:
            step = _step(path, base.get(path), ours.get(path), theirs.get(path))
            steps += [step] if step else []
    return steps


def _goes_along(was: Entry, ours: Tree, there: Entry, old: str, new: str) -> bool:
    """Whether an edit or a deletion of the owner's goes with a file to its new place, which has to be free.

    A deletion does for the same content only: what merely resembles it may be a file that the owner wants.
    """
    if new in ours:
        return False
    return ours[old] != was if old in ours else there.blob == was.blob


def _moved(base: Tree, ours: Tree, theirs: Tree, old: str, new: str) -> Iterator[Step]:
    """The steps of a file that goes along: its edit is merged, what was deleted does not come back."""
    was, here, there = base[old], ours.get(old), theirs[new]
    if here is None:
        yield Step(new, Outcome.KEEP_DELETED, was, None, there, moved_from=old)
        return
    yield Step(old, Outcome.REMOVE, was, here, None)
    yield Step(new, Outcome.MERGE, was, here, there, moved_from=old)


def _step(path: str, base: Entry | None, ours: Entry | None, theirs: Entry | None) -> Step | None:
    """The step of one path; None when nothing is to be done or said."""
    if theirs in (base, ours):
        return None
    outcome = _outcome(base, ours, theirs)
    return Step(path, outcome, base, ours, theirs)


def _outcome(base: Entry | None, ours: Entry | None, theirs: Entry | None) -> Outcome:
    if base is None:
        return Outcome.ADD if ours is None else Outcome.CLASH
    if ours is None:
        return Outcome.KEEP_DELETED
    if ours == base:
        return Outcome.REMOVE if theirs is None else Outcome.CHANGE
    return Outcome.KEEP_EDITED if theirs is None else Outcome.MERGE


def in_the_way(steps: Iterable[Step], ours: Tree) -> Iterator[tuple[str, str]]:
    """Pairs: a path that the update writes, and a file of the owner's that makes it impossible, as a folder there."""
    written = {step.path for step in steps if step.outcome in {Outcome.ADD, Outcome.MERGE}}
    removed = {step.path for step in steps if step.outcome is Outcome.REMOVE}
    kept = set(ours) - removed
    folders = {parent for path in kept for parent in parents(path)}
    for path in sorted(written):
        if path in folders:
            yield path, next(one for one in sorted(kept) if one.startswith(f"{path}/"))
        for parent in parents(path):
            if parent in kept:
                yield path, parent


def parents(path: str) -> list[str]:
    """The folders above a path, nearest first."""
    parts = path.split("/")
    return ["/".join(parts[:number]) for number in range(len(parts) - 1, 0, -1)]
