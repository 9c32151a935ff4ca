"""The result of an update tried before it is taken: the repo's own checks in a work tree of git's beside the repo."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from aifactory.git import attempt, git
from aifactory.update import tree
from aifactory.update.move import Move
from aifactory.workshop import workshop
from aifactory_runtime.errors import FactoryError

_PREFIX = ".factory-update-"
_SHOWN_LINES = 15
_OUTER = frozenset({"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV", "PYTHONPATH"})
"""What an outer make or an active environment would hand on."""


def verify(repo: Path, move: Move, say: Callable[[str], None]) -> None:
    """Install the locks of the result and run its `make check`.

    FactoryError, with the end of what it printed, when it fails: nothing of the repo has been touched then.
    """
    commit = _commit(repo, move)
    attempt(repo, "worktree", "prune")  # what killed updates left
    with workshop(_parent(repo), _PREFIX) as folder:
        place = folder / "repo"
        git(repo, "worktree", "add", "--quiet", "--detach", str(place), commit)
        try:
            say("Installing the locks of the result and running its make check ...")
            kept = {key: value for key, value in os.environ.items() if key not in _OUTER}
            done = subprocess.run(
                ["make", "--no-print-directory", "setup", "check"],
                cwd=place, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
        finally:
            attempt(repo, "worktree", "remove", "--force", "--force", str(place))
    if done.returncode:
        end = "\n".join(done.stdout.strip().splitlines()[-_SHOWN_LINES:])
        raise FactoryError(f"make check fails on the result, so nothing was changed. It ends with:\n{end}")


def _commit(repo: Path, move: Move) -> str:
    """A commit of the result that no ref names; git forgets it in time."""
    entries = tree.of_commit(repo, move.head)
    for change in move.changes:
        entries.pop(change.path, None)
    entries |= {change.path: change.after for change in move.changes if change.after}
    identity = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "factory"), ("EMAIL", "factory@localhost"))
    }
    made = git(
        repo,
        "commit-tree",
        tree.write(repo, entries),
        "-p",
        move.head,
        "-m",
        f"Update {move.title}",
        variables=identity,
    )
    return made.decode().strip()


def _parent(repo: Path) -> Path:
    """The folder that the work tree is made in: beside the repo, or that of temporary files where that cannot be."""
    return repo.parent if os.access(repo.parent, os.W_OK) else Path(tempfile.gettempdir())
