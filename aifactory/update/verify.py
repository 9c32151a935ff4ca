"""The result of an update tried before it is taken: its locks installed, the repo's own checks run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from aifactory_runtime.config import outer
from aifactory_runtime.errors import FactoryError

_SHOWN_LINES = 15


def verify(place: Path, say: Callable[[str], None]) -> None:
    """Run `make setup check` in `place`, which holds the result.

    FactoryError, with the end of what it printed, when it fails: nothing of the repo has been touched then.
    """
    say("Installing the locks of the result and running its make check ...")
    done = subprocess.run(
        ["make", "--no-print-directory", "setup", "check"],
        cwd=place, env=outer.for_a_repo(os.environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        end = "\n".join(done.stdout.strip().splitlines()[-_SHOWN_LINES:])
        raise FactoryError(f"make check fails on the result, so nothing was changed. It ends with:\n{end}")
