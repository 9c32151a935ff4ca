"""A mirror of a git address in the cache: all its refs, brought up to date, complete or absent."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path

from aifactory import home
from aifactory.git import attempt, git
from aifactory.workshop import workshop
from aifactory_runtime import files
from aifactory_runtime.config import git_errors
from aifactory_runtime.errors import FactoryError

_FETCHED = "factory-fetched"
"""A file in a mirror whose time says when it was brought up to date."""
_MIRRORED = "+refs/*:refs/*"
_BRANCH = re.compile(r"ref: (refs/heads/\S+)\tHEAD$", re.MULTILINE)
"""What git says of a remote's HEAD, where that is a branch."""


def fetched(mirror: Path) -> float:
    """When a mirror was last brought up to date, in seconds since 1970."""
    return (mirror / _FETCHED).stat().st_mtime


def of(address: str, *, fetch: bool = True) -> Path:
    """The mirror of `address`; with `fetch` False as it is. FactoryError when it cannot be had."""
    place = home.cache() / "templates" / hashlib.sha256(address.encode()).hexdigest()[:16]
    if not fetch:
        if not place.exists():
            raise FactoryError(f"the template at {address} was never fetched to this machine: factory update --dry-run")
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with files.waiting_lock(place.with_suffix(".lock")):  # git refuses a second fetch into the same refs
        if place.exists():
            _refresh(place, address)
        else:
            _clone(place, address)
        (place / _FETCHED).touch()
    return place


def _clone(place: Path, address: str) -> None:
    with workshop(place.parent, ".clone-") as folder:
        _must(attempt(folder, "clone", "--quiet", "--mirror", "--", address, "mirror"), address, folder)
        (folder / "mirror").rename(place)


def _refresh(place: Path, address: str) -> None:
    """Bring a mirror up to date, its HEAD included: a remote may call its main branch otherwise by now."""
    _must(attempt(place, "fetch", "--quiet", "--prune", "--force", "--", address, _MIRRORED), address, place)
    shown = attempt(place, "ls-remote", "--symref", "--", address, "HEAD")
    _must(shown, address, place)
    branch = _BRANCH.match(os.fsdecode(shown.stdout))
    if branch:
        git(place, "symbolic-ref", "HEAD", branch[1])


def _must(done: subprocess.CompletedProcess[bytes], address: str, folder: Path) -> None:
    if done.returncode:
        raise FactoryError(f"the template at {address} cannot be fetched: {git_errors.why(done.stderr, folder)}")
