"""The first commit of a new repo, in three git processes; works on a machine where git knows nobody."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from aifactory_runtime.errors import FactoryError

# A repo of a hook or of another work tree around us is none of ours.
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")


@dataclass(frozen=True)
class FirstCommit:
    """The commit, and who is its author when git knew nobody."""

    commit: str
    stand_in: str | None


def start(folder: Path, owner: str, message: str) -> FirstCommit:
    """Make `folder` a git repo on branch main with everything in it committed; FactoryError when git refuses.

    Without a git identity `owner` is the author. Hooks do not run: nothing in it was written by a person yet.
    """
    _must(folder, "init", "--quiet", "--initial-branch=main")
    _must(folder, "add", "--all")
    commit = ("commit", "--quiet", "--no-verify", f"--message={message}")
    known = _git(folder, "-c", "user.useConfigOnly=true", *commit)
    stand_in = None
    if known.returncode:
        stand_in = f"{owner} <{owner}@localhost>"
        _must(folder, "-c", f"user.name={owner}", "-c", f"user.email={owner}@localhost", *commit)
    return FirstCommit((folder / ".git/refs/heads/main").read_text(encoding="ascii").strip(), stand_in)


def _must(folder: Path, *arguments: str) -> None:
    done = _git(folder, *arguments)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise FactoryError(f"git {next(a for a in arguments if not a.startswith(('-', 'user.')))} failed: {lines[-1]}")


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    command = ["git", "-c", "gc.auto=0", "-c", "maintenance.auto=false", *arguments]
    try:
        return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise FactoryError("git is missing: install it") from None
