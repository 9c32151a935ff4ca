"""What a run was made from: commit, whether the work tree differs from it, science, operations, code and lock."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from aifactory_runtime.config import layout
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline.reproduction import operations, science
from aifactory_runtime.pipeline.reproduction.operations import Operations
from aifactory_runtime.pipeline.reproduction.science import Science

LOCKS = (science.FACTORY_LOCK, science.SCIENCE_LOCK)
DASK_LOCK = "requirements/factory-dask.txt"
"""Beside them where the tree asks for a cluster; the repo's Makefile looks for the same words."""
_ASKS = re.compile(r"""^[^#\n]*[ {](engine: *dask|cluster: *["']?t(cp|ls)://)""", re.MULTILINE)
_MATTERS = (f"{layout.SCIENCE}/", "vendor/", "conf/", "requirements/", "factory.yaml")
"""A file git does not know matters only where the pipeline reads."""


@dataclass(frozen=True)
class Provenance:
    """Collected once a process."""

    commit: str
    dirty: bool
    code_sha256: str
    lock_sha256: str
    science: Science
    operations: Operations


def collect(root: Path, package: str) -> Provenance:
    """What the repo at `root` is now; UsageProblem when it is no git repo with a commit and no snapshot of one."""
    commit, dirty = _commit(root)
    code, lock = code_sha256(root, package), lock_sha256(root)
    return Provenance(commit, dirty, code, lock, science.of_folder(root, package), operations.of_folder(root))


def code_sha256(root: Path, package: str) -> str:
    """Digest of the use case's modules and of the runtime's copy, by relative path and bytes.

    It reads the folder: in a snapshot or a clean work tree that is the commit, in a dirty one it fits no commit.
    """
    parts = (root / layout.SCIENCE / package, layout.runtime_folder(root))
    return operations.digest(root, (path for part in parts for path in part.rglob("*.py")))


def lock_sha256(root: Path) -> str:
    """Digest of the locks the repo's environment is made from."""
    found = locks(root)
    if not found:
        raise FactoryError(
            f"{root / LOCKS[0]} is missing: a run must name its lock; git checkout requirements/ restores it"
        )
    return operations.digest(root, found)


def locks(root: Path) -> list[Path]:
    """The locks that the environment of the tree at `root` is made from; none where it has none."""
    names = (*LOCKS, DASK_LOCK) if asks_for_dask(root) else LOCKS
    return [root / name for name in names if (root / name).is_file()]


def asks_for_dask(root: Path) -> bool:
    """Whether factory.yaml names a cluster in any environment, or conf/ lets training run on Dask."""
    told = (root / "factory.yaml", *sorted((root / "conf").glob("*.yaml")))
    return any(_ASKS.search(path.read_text(encoding="utf-8", errors="replace")) for path in told if path.is_file())


def _commit(root: Path) -> tuple[str, bool]:
    """Commit and dirty flag in one call of git, which a released snapshot does without."""
    if layout.is_snapshot(root):
        return root.name, False
    command = ["git", "-C", str(root), "status", "--porcelain=v2", "--branch", "--", "."]
    try:
        words = {**os.environ, "LC_ALL": "C"}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=words)
    except FileNotFoundError:
        raise UsageProblem("git is not installed: every run names its commit") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["it was ended"])[0]
        if "not a git repository" not in said:  # such as an owner that git does not trust, or a damaged index
            raise UsageProblem(f"git cannot read {root} ({said}): git status there says what mends it") from None
        raise UsageProblem(f"{root} is not a git repo: run git init, commit, then this again") from None
    commit, dirty = "(initial)", False
    for line in done.stdout.splitlines():
        if line.startswith("# branch.oid "):
            commit = line.removeprefix("# branch.oid ")
        elif line.startswith(("1 ", "2 ", "u ")):
            dirty = True
        elif line.startswith("? "):
            dirty = dirty or line[2:].strip('"').startswith(_MATTERS)
    if commit == "(initial)":
        raise UsageProblem(f"{root} has no commit yet: commit, then run this again")
    return commit, dirty
