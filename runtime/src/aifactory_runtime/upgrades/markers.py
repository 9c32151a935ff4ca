"""Finds what an update left for a person to decide: conflict markers that were committed all the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

LINE = r"^(<<<<<<<|>>>>>>>) "
"""A line with which git marks a conflict, as an extended regular expression."""


def due(repo: Path) -> str | None:
    """The first file that git knows and that still holds a conflict, with its line; None outside a git repo."""
    command = ["git", "grep", "--line-number", "-I", "--extended-regexp", LINE, "--", ":!vendor", ":!*.ipynb"]
    try:
        done = subprocess.run(command, cwd=repo, capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError:
        return None
    first = done.stdout.partition("\n")[0]
    name, _, rest = first.partition(":")
    return f"{name}:{rest.partition(':')[0]} holds a conflict of an update: decide it, then commit" if first else None
