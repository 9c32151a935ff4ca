"""Git in a person's repo: without the repo's hooks, unattended, bytes in and out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from aifactory_runtime.config import git_errors, outer
from aifactory_runtime.errors import FactoryError

_QUIET = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "advice.detachedHead=false"),
)
NOT_FOUND = 128


def git(folder: Path, *arguments: str, given: bytes | None = None, variables: Mapping[str, str] | None = None) -> bytes:
    """What git prints in `folder`; FactoryError with git's last line, or that the disk is full, when it fails."""
    done = attempt(folder, *arguments, given=given, variables=variables)
    if done.returncode:
        raise FactoryError(f"git {arguments[0]} failed in {folder}: {git_errors.why(done.stderr, folder)}")
    return done.stdout


def line(folder: Path, *arguments: str) -> str:
    """The one line that git prints, without its end."""
    return git(folder, *arguments).decode(errors="surrogateescape").strip()


def attempt(
    folder: Path, *arguments: str, given: bytes | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The finished process, whatever its exit code."""
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1", "LC_ALL": "C"}
    environment = {**outer.without_git(os.environ), **quiet, **(variables or {})}
    try:
        return subprocess.run(
            ["git", *_QUIET, *arguments], cwd=folder, env=environment, input=given, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise FactoryError("git is missing: install it") from None


def last_commit(folder: Path, path: str) -> str:
    """Short id and subject of the last commit that changed `path`; empty when there is none."""
    return attempt(folder, "log", "-1", "--format=%h %s", "--", path).stdout.decode(errors="replace").strip()


def nul(paths: Iterable[str]) -> bytes:
    """Paths as git reads them from a pipe with -z."""
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def split_nul(printed: bytes) -> list[str]:
    """What git printed with -z."""
    return [os.fsdecode(part) for part in printed.split(b"\0") if part]
