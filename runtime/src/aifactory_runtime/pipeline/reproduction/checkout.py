"""A commit of the repo in a folder of its own, without touching the work tree."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from aifactory_runtime.config import git_errors, outer
from aifactory_runtime.errors import FactoryError

_INDEX = ".factory-index"


def extract(root: Path, commit: str, place: Path, *paths: str) -> bool:
    """Write the commit's files below `paths` (all by default) to `place`; False, and no `place`, without any.

    A path that the commit has not is left out: where things lie differs between commits. FactoryError, and no `place`,
    when git cannot write them.
    """
    tree = _tree(root, commit)
    there = _there(root, tree, paths) if tree else []
    if tree is None or not there:
        return False
    place.mkdir(parents=True, exist_ok=True)
    index = place.resolve() / _INDEX  # in there, so that a killed process leaves nothing elsewhere
    variables = {"GIT_WORK_TREE": str(place.resolve()), "GIT_INDEX_FILE": str(index)}
    done = _git(root, "checkout", "--quiet", tree, "--", *there, variables=variables)
    index.unlink(missing_ok=True)
    if done.returncode:
        said = git_errors.why(done.stderr, place.resolve())  # before what was written goes, and a disk has room again
        shutil.rmtree(place, ignore_errors=True)
        raise FactoryError(f"commit {commit[:12]} of {root} cannot be unpacked: {said}")
    return True


def _tree(root: Path, commit: str) -> str | None:
    """The commit's files below `root`, which may be a folder in a repo; None when there is no such commit."""
    named = f"{commit}^{{commit}}"
    found = _git(root, "rev-parse", "--show-prefix", "--verify", "--quiet", "--end-of-options", named)
    if found.returncode:
        return None
    prefix, known = found.stdout.decode().split("\n")[:2]
    return f"{known}:{prefix}"


def _there(root: Path, tree: str, paths: tuple[str, ...]) -> list[str]:
    """Those of `paths` that the tree has; the whole of it without any."""
    listed = _git(root, "ls-tree", "--full-tree", "--name-only", "-z", tree, *paths)
    found = listed.stdout.decode().split("\0")[:-1]
    return found if paths or not found else ["."]


def _git(root: Path, *arguments: str, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    """Git in the repo at `root`, whatever repo a hook around us names, and without that repo's own hooks."""
    command = ["git", "-C", str(root), "-c", "core.hooksPath=/dev/null", "--literal-pathspecs", *arguments]
    environment = {**outer.without_git(os.environ), **(variables or {})}
    return subprocess.run(command, env=environment, check=False, capture_output=True)
