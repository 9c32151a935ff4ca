"""Where the template that a repo follows is: this tool's own, a folder, or a mirror of an address."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from aifactory import home
from aifactory.git import attempt, git
from aifactory.scaffold import origin
from aifactory.source import Source
from aifactory.workshop import workshop
from aifactory_runtime import __version__, files
from aifactory_runtime.errors import FactoryError, UsageProblem

_FETCHED = "factory-fetched"
"""A file in a mirror whose time says when it was brought up to date."""
_MIRRORED = "+refs/*:refs/*"
_BRANCH = re.compile(r"ref: (refs/heads/\S+)\tHEAD$", re.MULTILINE)
"""What git says of a remote's HEAD, where that is a branch."""


def locate(address: str, variables: Mapping[str, str], *, fetch: bool = True) -> Source:
    """The template at `address`: this tool's own without a network where it is that, else a mirror, brought up to date.

    With `fetch` False a mirror is taken as it is. UsageProblem or FactoryError when it is not there.
    """
    own = origin.checkout()
    if own is not None and _is(address, own, variables):
        return Source(own, address, version=__version__)
    carried = origin.carried()
    if carried is not None and address in {str(carried[0]), origin.published(None, carried[1], variables)}:
        return Source(_mirror(str(carried[0]), fetch=fetch), address, carried[1], __version__)
    folder = _folder(address)
    if folder is not None:
        return Source(folder, address)
    mirror = _mirror(address.removeprefix("git+"), fetch=fetch)
    return Source(mirror, address, fetched=(mirror / _FETCHED).stat().st_mtime)


def _is(address: str, checkout: Path, variables: Mapping[str, str]) -> bool:
    """Whether `address` is that of the checkout: its folder, or where its commit was published."""
    if _folder_name(address) == checkout:
        return True
    return address == origin.published(checkout, origin.git(checkout, "rev-parse", "HEAD"), variables)


def _folder_name(address: str) -> Path | None:
    if address.startswith(("/", "~", "file://")):
        return Path(address.removeprefix("file://")).expanduser()
    return None


def _folder(address: str) -> Path | None:
    """The git repo that an address on this machine names; None for a remote one."""
    folder = _folder_name(address)
    if folder is None:
        return None
    if not folder.exists():
        raise UsageProblem(
            f"the template is not at {address} any more; if it is published, name its address: "
            "factory update --template ADDRESS"
        )
    origin.git(folder, "rev-parse", "HEAD")  # says what is wrong with the folder
    return folder


def _mirror(address: str, *, fetch: bool) -> Path:
    """A mirror of `address` in the cache, complete or absent."""
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
        _must(attempt(folder, "clone", "--quiet", "--mirror", "--", address, "mirror"), address)
        (folder / "mirror").rename(place)


def _refresh(place: Path, address: str) -> None:
    """Bring a mirror up to date, its HEAD included: a remote may call its main branch otherwise by now."""
    _must(attempt(place, "fetch", "--quiet", "--prune", "--force", "--", address, _MIRRORED), address)
    shown = attempt(place, "ls-remote", "--symref", "--", address, "HEAD")
    _must(shown, address)
    branch = _BRANCH.match(os.fsdecode(shown.stdout))
    if branch:
        git(place, "symbolic-ref", "HEAD", branch[1])


def _must(done: subprocess.CompletedProcess[bytes], address: str) -> None:
    if done.returncode:
        said = os.fsdecode(done.stderr).strip().splitlines() or ["git said nothing"]
        raise FactoryError(f"the template at {address} cannot be fetched: {said[-1]}")
