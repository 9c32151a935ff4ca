"""Goes on with an update: finishes an interrupted one, or tries what a person decided and takes it, hooks included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from aifactory.git import line
from aifactory.update import conflicts, placing, record, tree, untouched, verify
from aifactory.update.record import Change, ChangeSet, Phase
from aifactory.update.tree import Tree
from aifactory_runtime.errors import UsageProblem

_MEND = "; mend it, git add what you changed, then factory update --continue --verify"


def go_on(repo: Path, say: Callable[[str], None], *, hooks: list[Path], checked: bool) -> ChangeSet:
    """Finish what is open in `repo`; with `checked` only once its own checks pass. Call it under `record.held`.

    `hooks` run on what was decided; an update that was interrupted while it was written has theirs in it already.
    NeedsPerson while a conflict is undecided. FactoryError or UsageProblem, with the repo as it was, says what is in
    the way.
    """
    change_set, phase = placing.noted_on_head(repo)
    if phase is Phase.CONFLICTS and (hooks or checked):
        _take_tried(repo, change_set, say, hooks=hooks, checked=checked)
        return change_set
    if not change_set.conflicts:
        verify.tried(repo, change_set, say, hooks=[], checked=checked)
    return placing.resume(repo)


def _take_tried(
    repo: Path, change_set: ChangeSet, say: Callable[[str], None], *, hooks: list[Path], checked: bool
) -> None:
    """Take the decisions with what hooks add to them; they are tried first."""
    before, decided = tree.of_commit(repo, change_set.head), conflicts.decided(repo, change_set)
    staged = replace(change_set, changes=record.changes(before, decided))
    tried = verify.tried(repo, staged, say, hooks=hooks, checked=checked, mend=_MEND)
    after = {**before, **{change.path: change.after for change in tried.changes}}
    final = {path: entry for path, entry in after.items() if entry is not None}
    added = replace(change_set, changes=record.changes(decided, final))
    _refuse_changed(repo, change_set, decided, added)
    conflicts.take(repo, change_set)
    if added.changes:
        placing.add(repo, added, _whole(change_set, added, decided, final))
    else:
        record.forget(repo)


def _refuse_changed(repo: Path, change_set: ChangeSet, decided: Tree, added: ChangeSet) -> None:
    """UsageProblem when the owner went on meanwhile, or has something where hooks write that is not staged."""
    if line(repo, "rev-parse", "HEAD") != change_set.head or conflicts.decided(repo, change_set) != decided:
        raise UsageProblem(
            "what is committed or staged changed while it was tried: nothing was written; factory update --continue "
            "again"
        )
    unstaged = untouched.differing(repo, {change.path: change.before for change in added.changes if change.before})
    if unstaged:
        raise UsageProblem(
            f"{min(unstaged)} has a change of yours that is not staged, and a hook changes it, too: git add it or undo "
            "it, then factory update --continue"
        )
    untouched.refuse_unknown(repo, added)


def _whole(change_set: ChangeSet, added: ChangeSet, decided: Tree, final: Tree) -> ChangeSet:
    """All of the update as one change set: back to HEAD, or for paths that are only the owner's to what was staged."""
    known = {change.path: change.before for change in change_set.changes}
    hooked = {change.path for change in added.changes}
    changes = (
        Change(
            path,
            known[path] if path in known else decided.get(path),
            final.get(path),
            between=(decided.get(path),) if path in hooked else (),
        )
        for path in sorted(known.keys() | hooked)
    )
    return replace(change_set, changes=tuple(changes))
