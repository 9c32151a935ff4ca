"""Moves the result of an update into a repo's work tree and index; a kill at any moment can be finished or undone.

All files are written into a folder of our own first, so that a full disk changes nothing. Then the update is written
down, each file takes its place by a rename, and last the index by another. No ref of the repo changes.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from aifactory.git import git, line, nul, split_nul
from aifactory.update import record, tree
from aifactory.update.record import Change, Move, Phase
from aifactory.update.rules import parents
from aifactory.update.tree import EXECUTABLE, LINK
from aifactory_runtime.errors import FactoryError, NeedsPerson, UsageProblem

_STAGING = ".factory/update"
"""In the repo, as a rename needs the same disk; git ignores `.factory/` there."""
_MARKER = re.compile(rb"^(?:<{7} |>{7} )", re.MULTILINE)
_LOCK_SECONDS = 10.0


def move_in(repo: Path, move: Move) -> None:
    """Write all changes into work tree and index. Call it under `record.held`, on a clean repo.

    UsageProblem, with nothing written, when a file that git does not know is in the way; FactoryError when the disk is
    full.
    """
    refuse_untracked(repo, move)
    _wait_for_git(repo)
    _carry_out(repo, move, move)


def resume(repo: Path) -> Move:
    """Finish what was interrupted, or take the owner's decisions in conflicts. Call it under `record.held`.

    NeedsPerson while a conflict is undecided; UsageProblem when there is nothing to go on with.
    """
    move, phase = _noted_on_head(repo)
    if phase is Phase.MOVING:
        _refuse_edited(repo, move)
        _carry_out(repo, move, move)
        return move
    left = [found for change in move.conflicts for found in _undecided(repo, change)]
    if left:
        raise NeedsPerson(
            "\n".join(["conflicts are left:", *left, f"decide them, then: factory {move.command} --continue"])
        )
    git(repo, "add", "--all", "--force", "--", *(change.path for change in move.conflicts))
    record.forget(repo)
    return move


def abort(repo: Path) -> Move:
    """Restore every path that the update touched as HEAD has it. Call it under `record.held`."""
    move, _phase = _noted_on_head(repo)
    _carry_out(repo, move, move.undone())
    return move


def _carry_out(repo: Path, noted: Move, wanted: Move) -> None:
    """Carry out `wanted`; what is written down meanwhile is `noted`, which it does or undoes."""
    _clear_stale_lock(repo)
    staging = repo / _STAGING
    shutil.rmtree(staging, ignore_errors=True)
    try:
        index = _prepare_index(repo, wanted)
        _stage(repo, wanted, staging, index)
        record.note(repo, noted, Phase.MOVING)
        _place(repo, wanted, staging)
        _install(repo, index)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if wanted.conflicts:
        record.note(repo, noted, Phase.CONFLICTS)
    else:
        record.forget(repo)


def _prepare_index(repo: Path, move: Move) -> Path:
    """A copy of git's index with the changes in it."""
    index = record.folder(repo) / "index"
    index.parent.mkdir(exist_ok=True)
    index.with_name("index.lock").unlink(missing_ok=True)
    index.unlink(missing_ok=True)
    shutil.copyfile(tree.repo_path(repo, "index"), index)
    _with_index(
        repo, index, "update-index", "-z", "--add", "--replace", "--index-info", given=nul(_lines(move.changes))
    )
    return index


def _lines(changes: Iterable[Change]) -> Iterator[str]:
    """Lines for git's update-index: a path loses what it has, then gets what it is to have."""
    for change in changes:
        yield f"0 {'0' * 40}\t{change.path}"
        if change.stages:
            for number, entry in enumerate(change.stages, start=1):
                if entry:
                    yield f"{entry.mode} {entry.blob} {number}\t{change.path}"
        elif change.after:
            yield f"{change.after.mode} {change.after.blob} 0\t{change.path}"


def _stage(repo: Path, move: Move, staging: Path, index: Path) -> None:
    """Write the files to come below `staging`, as git would check them out."""
    try:
        staging.mkdir(parents=True)
        whole = [change.path for change in move.changes if change.after and not change.stages]
        _with_index(repo, index, "checkout-index", f"--prefix={_STAGING}/", "-z", "--stdin", given=nul(whole))
        for change in move.conflicts:
            if change.after:
                path = staging / change.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(tree.content(repo, change.after.blob))
                path.chmod(0o755 if change.after.mode == EXECUTABLE else 0o644)
    except OSError as error:
        raise FactoryError(
            f"{error.filename or staging} cannot be written ({error.strerror}): nothing changed"
        ) from None


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
    if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
        path.unlink()
    for parent in path.parents:
        if parent == repo or not parent.is_dir() or any(parent.iterdir()):
            break
        parent.rmdir()


def _install(repo: Path, index: Path) -> None:
    """Put `index` in the place of git's own, through git's lock: a reader finds one or the other."""
    _with_index(repo, index, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")  # refreshes it
    _wait_for_git(repo)
    lock = _lock(repo)
    os.link(index, lock)
    lock.rename(tree.repo_path(repo, "index"))
    index.unlink()


def _with_index(repo: Path, index: Path, *arguments: str, given: bytes | None = None) -> bytes:
    return git(repo, *arguments, given=given, variables={"GIT_INDEX_FILE": str(index)})


def _lock(repo: Path) -> Path:
    return tree.repo_path(repo, "index.lock")


def _wait_for_git(repo: Path) -> None:
    """Wait until no git process holds the index; FactoryError when one does not let go."""
    lock, until = _lock(repo), time.monotonic() + _LOCK_SECONDS
    while lock.exists():
        if time.monotonic() > until:
            raise FactoryError(f"another git process works in this repo; if none does, remove {lock} and try again")
        time.sleep(0.05)


def _clear_stale_lock(repo: Path) -> None:
    """Remove git's lock when it is the one that a killed update of ours left: the same file as our index."""
    lock, index = _lock(repo), record.folder(repo) / "index"
    if lock.exists() and index.exists() and lock.samefile(index):
        lock.unlink()


def refuse_untracked(repo: Path, move: Move) -> None:
    """UsageProblem for what lies, unknown to git or ignored, where the move puts a file."""
    going = {change.path for change in move.changes if change.before and not change.after}
    for change in move.changes:
        if change.before is not None or change.after is None:
            continue
        for place in (change.path, *parents(change.path)):
            found = _in_the_way(repo, place, going, is_file=place == change.path)
            if found:
                raise UsageProblem(f"{found} is in no commit, and {change.path} is to be put there: move it away")


def _in_the_way(repo: Path, place: str, going: set[str], *, is_file: bool) -> str | None:
    """What lies at `place`, which is to be a file or a folder, and does not go with the update."""
    full = repo / place
    if place in going or not os.path.lexists(full):
        return None
    if not full.is_dir() or full.is_symlink():
        return place
    if not is_file:
        return None
    inside = (f"{place}/{path}" for path in tree.files_of(full))
    return next((path for path in inside if path not in going), None)


def _refuse_edited(repo: Path, move: Move) -> None:
    """UsageProblem when a touched file is neither as it was nor as it is to be: somebody edited it since."""
    for change in move.changes:
        found = _on_disk(repo, change.path)
        if found not in {entry.blob if entry else None for entry in (change.before, change.after)}:
            raise UsageProblem(
                f"{change.path} was edited after the {move.called} was interrupted: keep a copy of it elsewhere, then "
                f"factory {move.command} --abort"
            )


def _on_disk(repo: Path, path: str) -> str | None:
    """Id of a file's content as git would keep it; None when there is no file."""
    full = repo / path
    if full.is_symlink():
        return git(repo, "hash-object", "--stdin", given=os.fsencode(full.readlink())).decode().strip()
    if not full.is_file():
        return None
    return git(repo, "hash-object", f"--path={path}", "--stdin", given=full.read_bytes()).decode().strip()


def _undecided(repo: Path, change: Change) -> list[str]:
    """Where a conflict is still undecided, one line each."""
    path = repo / change.path
    if change.after is None or change.after.mode == LINK:
        # No markers could be written: what the owner adds to the index, or removes from it, is the decision.
        unmerged = split_nul(git(repo, "ls-files", "--unmerged", "-z", "--", change.path))
        return [f"  {change.path}: choose one, then git add or git rm it"] if unmerged else []
    if not path.is_file():
        return []
    content = path.read_bytes()
    found = _MARKER.search(content)
    return [f"  {change.path}:{content[: found.start()].count(bytes([10])) + 1}"] if found else []


def _noted_on_head(repo: Path) -> tuple[Move, Phase]:
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
