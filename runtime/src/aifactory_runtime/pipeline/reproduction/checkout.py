"""A commit of the repo in a folder of its own, without touching the work tree."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path


def extract(root: Path, commit: str, place: Path, *paths: str) -> bool:
    """Write the commit's files below `paths` (all by default) to `place`; False, and no `place`, without the commit."""
    command = ["git", "-C", str(root), "archive", "--format=tar", commit, *paths]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode != 0:
        return False
    place.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(place, filter="data")
    return True
