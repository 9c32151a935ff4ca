"""The first commit of a new repo, in three git processes; works on a machine where git knows nobody."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aifactory.git import attempt
from aifactory_runtime.errors import FactoryError


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
    known = attempt(folder, "-c", "user.useConfigOnly=true", *commit)
    stand_in = None
    if known.returncode:
        stand_in = f"{owner} <{owner}@localhost>"
        _must(folder, "-c", f"user.name={owner}", "-c", f"user.email={owner}@localhost", *commit)
    return FirstCommit((folder / ".git/refs/heads/main").read_text(encoding="ascii").strip(), stand_in)


def _must(folder: Path, *arguments: str) -> None:
    done = attempt(folder, *arguments)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise FactoryError(f"git {next(a for a in arguments if not a.startswith(('-', 'user.')))} failed: {lines[-1]}")
