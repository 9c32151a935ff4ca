"""A template as a git repo on this machine: its commits, releases and changelog."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from aifactory import releases
from aifactory.git import attempt, git, line
from aifactory.releases import Release
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline.reproduction import checkout

_DESCRIBED = re.compile(r"-\d+-g([0-9a-f]{4,40})$")
_TAG = re.compile(r"v?(\d+\.\d+\.\d+)$")


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
        past = int(line(self.folder, "rev-list", "--count", f"{found.commit}..{commit}"))
        return f"{found.version} and {past} commit{'' if past == 1 else 's'} ({commit[:12]})"

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
