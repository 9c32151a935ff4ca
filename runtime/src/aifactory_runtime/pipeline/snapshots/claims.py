"""Which environments hold on to the released code of a commit: it lies once for all of them, and goes with the last.

A claim is a file `<snapshots>/<use case>/claims/<commit>/<environment>`, touched at each use. The folder of a commit
stays until its code is gone. Code that was released before there were claims has no such folder: nobody knows who runs
it, so it stays.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aifactory_runtime import files

ENVIRONMENTS = "envs"
VENV = ".venv"
_CLAIMS = "claims"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_GONE = ".gone-"
_FRESH_SECONDS = 7 * 86_400
"""What was used so lately may be on its way to be released."""


@dataclass(frozen=True)
class Claims:
    """The claims of one environment on the code of its use case; `root` has that of all use cases."""

    root: Path
    use_case: str
    environment: str

    def make(self, commit: str) -> None:
        """Hold on to the code of `commit`, before it is looked whether it is there."""
        claim = self._of(commit) / self.environment
        if self._code(commit).exists() and not claim.parent.exists():
            return  # from before there were claims: others may run it
        claim.parent.mkdir(parents=True, exist_ok=True)
        claim.touch()

    def held(self) -> frozenset[str]:
        """Commits that this environment holds on to, but for those that were used of late."""
        found = set()
        for commit in self._commits():
            with suppress(FileNotFoundError):
                if not _fresh((self._of(commit) / self.environment).stat().st_mtime):
                    found.add(commit)
        return frozenset(found)

    def drop(self, commits: Iterable[str]) -> None:
        """Hold on to these no longer."""
        for commit in commits:
            (self._of(commit) / self.environment).unlink(missing_ok=True)

    def surplus(self, in_use: frozenset[str], dropped: Collection[str] = ()) -> list[str]:
        """Commits whose code nobody runs or holds on to any more, once this environment has `dropped` some."""
        unclaimed = (commit for commit in self._commits() if not self._claimed_by(commit) - self._own(commit, dropped))
        return [commit for commit in unclaimed if commit not in in_use]

    def remove(self, commit: str) -> None:
        """Take the code of `commit` off the disk; whoever claims it at this moment finds it again."""
        _remove(self._code(commit), lambda: self._claimed(commit))
        with suppress(OSError):  # somebody claims it
            self._of(commit).rmdir()

    def surplus_environments(self, gone: Collection[str]) -> list[str]:
        """Environments, by digest of their lock, that no code of any use case leads to once some commits are `gone`."""
        linked = _linked(self.root, {self._code(commit) for commit in gone})
        return [name for name in _names(self.root / ENVIRONMENTS) if name not in linked and self._is_old(name)]

    def remove_environment(self, digest: str) -> None:
        """Take it off the disk; whoever links it at this moment finds it again."""
        _remove(self.root / ENVIRONMENTS / digest, lambda: digest in _linked(self.root))

    def sweep(self) -> None:
        """Take away what somebody who was killed had moved aside."""
        for folder in (self.root / self.use_case, self.root / ENVIRONMENTS):
            for name in files.names(folder):
                if name.startswith(_GONE):
                    shutil.rmtree(folder / name, ignore_errors=True)

    def _code(self, commit: str) -> Path:
        return self.root / self.use_case / commit

    def _of(self, commit: str) -> Path:
        return self.root / self.use_case / _CLAIMS / commit

    def _commits(self) -> list[str]:
        return [name for name in _names(self.root / self.use_case / _CLAIMS) if _COMMIT.fullmatch(name)]

    def _claimed(self, commit: str) -> bool:
        return bool(self._claimed_by(commit))

    def _claimed_by(self, commit: str) -> set[str]:
        return set(_names(self._of(commit)))

    def _own(self, commit: str, dropped: Collection[str]) -> set[str]:
        return {self.environment} if commit in dropped else set()

    def _is_old(self, digest: str) -> bool:
        with suppress(FileNotFoundError):
            about = (self.root / ENVIRONMENTS / digest).lstat()
            return not _fresh(max(about.st_mtime, about.st_ctime))
        return False


def _fresh(moment: float) -> bool:
    return time.time() - moment < _FRESH_SECONDS


def _names(folder: Path) -> list[str]:
    return [name for name in files.names(folder) if not name.startswith(".")]


def _linked(root: Path, without: Collection[Path] = ()) -> frozenset[str]:
    """Environments that the code of any use case leads to."""
    links = (link for link in root.glob(f"*/*/{VENV}") if link.is_symlink() and link.parent not in without)
    return frozenset(link.readlink().name for link in links)


def _remove(place: Path, is_needed: Callable[[], bool]) -> None:
    """Move `place` aside, and then take it away; back to its place where it is needed after all."""
    aside = place.with_name(f"{_GONE}{place.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        place.rename(aside)
    if is_needed():
        with suppress(OSError):  # made anew meanwhile
            aside.rename(place)
    shutil.rmtree(aside, ignore_errors=True)
