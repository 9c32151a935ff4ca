"""A commit of the repo in a folder of its own, without touching the work tree."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path


def extract(root: Path, commit: str, place: Path, *paths: str) -> bool:
    """Write the commit's files below `paths` (all by default) to `place`; False, and no `place`, without any.

    A path that the commit has not is left out: where things lie differs between commits.
    """
    there = _there(root, commit, paths)
    done = _git(root, "archive", "--format=tar", commit, *there)
    if done.returncode or (paths and not there):
        return False
    place.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        # Python before 3.11.4 knows no filter, and no argument of that name.
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        archive.extractall(place)  # noqa: S202  git's own archive of a commit of this repo
    return True


def _there(root: Path, commit: str, paths: tuple[str, ...]) -> list[str]:
    """Those of `paths` that the commit has."""
    listed = _git(root, "ls-tree", "--name-only", "-z", commit, *paths) if paths else None
    return listed.stdout.decode().split("\0")[:-1] if listed else []


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(root), *arguments], check=False, capture_output=True)
