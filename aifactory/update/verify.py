"""The result of an update tried before it is taken: hooks run on it, its locks installed, the repo's own checks run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from aifactory.hooks import AFTER_UPDATE
from aifactory.hooks import run as run_hooks
from aifactory.update import result
from aifactory.update.record import ChangeSet
from aifactory_runtime.config import outer
from aifactory_runtime.errors import FactoryError

_SHOWN_LINES = 15
_STEPS = (
    ("setup", "locks: they are installed (make setup)", "the locks of the result cannot be installed"),
    ("check", "checks: make check runs", "make check fails on the result"),
)
"""After the first step, the environment: target of make, what is said before, and what is said when it fails."""


def tried(
    repo: Path, change_set: ChangeSet, say: Callable[[str], None], *, hooks: list[Path], checked: bool, mend: str = ""
) -> ChangeSet:
    """A change set without conflicts with what `hooks` add to it, tried in a work tree; with `checked` it is verified.

    FactoryError, with the repo untouched, when a hook or a check fails; `mend` is said then, what to do about a check.
    """
    if not (hooks or checked):
        return change_set
    if checked:
        say(f"Verify, 1 of {len(_STEPS) + 1}, environment: a work tree with the result is made ...")
    with result.checked_out(repo, change_set) as place:
        run_hooks(hooks, place, {"event": AFTER_UPDATE, "version": change_set.version}, say)
        taken = result.taken_over(repo, change_set, place) if hooks else change_set
        if checked:
            verify(place, say, mend)
    return taken


def verify(place: Path, say: Callable[[str], None], mend: str = "") -> None:
    """Run `make setup`, then `make check` in `place`, which holds the result.

    FactoryError, with `mend` and the end of what was printed, when one fails: nothing of the repo was touched then.
    """
    for number, (target, what, failed) in enumerate(_STEPS, start=2):
        say(f"Verify, {number} of {len(_STEPS) + 1}, {what} ...")
        done = subprocess.run(
            ["make", "--no-print-directory", target],
            cwd=place, env=outer.for_a_repo(os.environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", check=False,
        )  # fmt: skip
        if done.returncode:
            end = "\n".join(done.stdout.strip().splitlines()[-_SHOWN_LINES:])
            raise FactoryError(f"{failed}, so nothing was changed{mend}. It ends with:\n{end}")
