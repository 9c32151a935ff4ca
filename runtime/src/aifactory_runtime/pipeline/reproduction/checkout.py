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
        # Python before 3.11.4 knows no filter, and no argument of that name.
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        archive.extractall(place)  # noqa: S202  git's own archive of a commit of this repo
    return True
