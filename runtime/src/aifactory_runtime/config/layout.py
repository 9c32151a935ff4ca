"""Where the code is in a use case's repo or in a snapshot of it: the science, and the runtime's copy.

The copy lies under vendor/. Commits made before it moved there have it in src/, beside the science; they are still
released, served and reproduced. Whoever needs its place in a tree asks here.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

SCIENCE = "src"
VENDOR = "vendor/aifactory-runtime"
CODE = (SCIENCE, f"{VENDOR}/src")
"""What is on Python's path in any tree, in this order."""
_PACKAGE = "aifactory_runtime"
_COMMIT = re.compile(r"[0-9a-f]{40}")


def runtime_folder(root: Path) -> Path:
    """The folder of the runtime's modules that Python finds in the tree at `root`; it may have none."""
    before = root / SCIENCE / _PACKAGE
    # A link is ours, see `link_old_place`; a folder without modules is what Python left of a copy that has moved.
    return before if not before.is_symlink() and (before / "__init__.py").is_file() else root / CODE[-1] / _PACKAGE


def python_path(root: Path) -> str:
    """PYTHONPATH for a process that runs the code of the tree at `root`, with its own runtime."""
    return os.pathsep.join(str(root / folder) for folder in CODE)


def link_old_place(root: Path) -> None:
    """Let src/ lead to the runtime too: services and schedules applied before it moved know no other place."""
    before, now = root / SCIENCE / _PACKAGE, root / CODE[-1] / _PACKAGE
    if now.is_dir() and not before.exists():
        with suppress(FileExistsError):  # another release made it at the same moment
            before.symlink_to(os.path.relpath(now, before.parent))


def is_snapshot(root: Path) -> bool:
    """Whether the tree at `root` is a released snapshot: a folder named after its commit, without git."""
    return _COMMIT.fullmatch(root.name) is not None and not (root / ".git").exists()
