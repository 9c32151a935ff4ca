"""The template that a repo follows, as a git repo at hand: its commits, releases and changelog."""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aifactory import home, releases
from aifactory.git import attempt, git, line
from aifactory.releases import Release
from aifactory.scaffold import origin
from aifactory.workshop import workshop
from aifactory_runtime import __version__, files
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline.reproduction import checkout

_DESCRIBED = re.compile(r"-\d+-g([0-9a-f]{4,40})$")
_TAG = re.compile(r"v?(\d+\.\d+\.\d+)$")
_FETCHED = "factory-fetched"
"""A file in a mirror whose time says when it was brought up to date."""
_MIRRORED = "+refs/*:refs/*"
_BRANCH = re.compile(r"ref: (refs/heads/\S+)\tHEAD$", re.MULTILINE)
"""What git says of a remote's HEAD, where that is a branch."""


@dataclass(frozen=True)
class Source:
    """A template's git repo on this machine: a checkout of the factory, or a mirror of an address."""

    folder: Path
    address: str
    """What people and messages call it."""
    head: str = "HEAD"
    """The newest commit that counts."""
    version: str | None = None
    """The version of `head`, where it is this tool's own commit."""
    fetched: float | None = None
    """When the mirror was last brought up to date, in seconds since 1970; None for a repo that is no mirror."""

    @cached_property
    def releases(self) -> tuple[Release, ...]:
        """Its releases, oldest first: those that releases.toml, a tag, or this tool's own version names.

        The file names a release in the commit after it, and a clone need not have its tag.
        """
        listed = self._file(self.head, releases.FILE)
        return releases.united(releases.read(listed) if listed else (), self._tagged(), self._own())

    def _tagged(self) -> tuple[Release, ...]:
        commit = "%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"
        form = f"%(refname:strip=2) {commit} %(creatordate:short)"
        lines = git(self.folder, "tag", "--merged", self.head, f"--format={form}").decode().splitlines()
        return releases.of_tags((tag, commit, day) for tag, commit, day in map(str.split, lines))

    def _own(self) -> tuple[Release, ...]:
        if self.version is None or not releases.is_release(self.version):
            return ()
        commit, day = line(self.folder, "show", "--no-patch", "--format=%H %cs", self.head).split()
        return (Release(self.version, commit, datetime.date.fromisoformat(day)),)

    def commit_of(self, ref: str) -> str:
        """The commit of a release, tag, commit, branch, or description that git made of one. UsageProblem if none."""
        named = _TAG.fullmatch(ref)
        tried = [ref]
        if named:
            tried = [*(one.commit for one in self.releases if one.version == named[1]), f"refs/tags/v{named[1]}", ref]
        elif described := _DESCRIBED.search(ref):
            tried = [described[1]]
        for one in tried:
            found = attempt(self.folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{one}^{{commit}}")
            if found.returncode == 0:
                return found.stdout.decode().strip()
        raise UsageProblem(f"{self.address} has no {ref}")

    def contains(self, newer: str, older: str) -> bool:
        """Whether commit `older` is an ancestor of commit `newer`, or the same."""
        return attempt(self.folder, "merge-base", "--is-ancestor", older, newer).returncode == 0

    def release_of(self, commit: str) -> Release | None:
        """The newest release that `commit` holds; None before the first."""
        return next((one for one in reversed(self.releases) if self.contains(commit, one.commit)), None)

    def name_of(self, commit: str) -> str:
        """A commit as people call it: the release, or how far past one it is."""
        found = self.release_of(commit)
        if found is None:
            return f"a commit before the first release ({commit[:12]})"
        if found.commit == commit:
            return found.version
        past = line(self.folder, "rev-list", "--count", f"{found.commit}..{commit}")
        return f"{found.version} and {past} commits ({commit[:12]})"

    def kept_name(self, commit: str) -> str:
        """What an answers file keeps for a commit: the tag where the repo has it, else the commit."""
        found = self.release_of(commit)
        tag = found.tag if found and found.commit == commit else ""
        if tag and attempt(self.folder, "show-ref", "--quiet", "--verify", f"refs/tags/{tag}").returncode == 0:
            return tag
        return commit

    def changelog(self, commit: str) -> str:
        """CHANGELOG.md of a commit; empty when it has none."""
        return self._file(commit, releases.CHANGELOG) or ""

    def _file(self, commit: str, name: str) -> str | None:
        shown = attempt(self.folder, "show", f"{commit}:{name}")
        return shown.stdout.decode() if shown.returncode == 0 else None

    def extract(self, commit: str, into: Path) -> None:
        """The files of a commit, in the new folder `into`."""
        if not checkout.extract(self.folder, commit, into):
            raise FactoryError(f"commit {commit[:12]} of {self.address} holds no files")


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
