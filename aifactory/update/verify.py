"""The result of an update tried before it is taken: its locks installed, the repo's own checks run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from aifactory_runtime.errors import FactoryError

_SHOWN_LINES = 15
_OUTER = frozenset({"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV", "PYTHONPATH"})
"""What an outer make or an active environment would hand on."""


def verify(place: Path, say: Callable[[str], None]) -> None:
    """Run `make setup check` in `place`, which holds the result.

    FactoryError, with the end of what it printed, when it fails: nothing of the repo has been touched then.
    """
    say("Installing the locks of the result and running its make check ...")
    kept = {key: value for key, value in os.environ.items() if key not in _OUTER}
    done = subprocess.run(
        ["make", "--no-print-directory", "setup", "check"],
        cwd=place, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        end = "\n".join(done.stdout.strip().splitlines()[-_SHOWN_LINES:])
        raise FactoryError(f"make check fails on the result, so nothing was changed. It ends with:\n{end}")
