"""How a repo keeps the place of the table that it learns from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aifactory.git import git, split_nul


@dataclass(frozen=True)
class Source:
    """A table's place as factory.yaml is to name it."""

    text: str
    """Relative to the repo when every clone of it has the table there."""
    path: str | None
    """Its path in the repo; None when it lies elsewhere."""
    note: str | None = None
    """What a person should know."""


def source(repo: Path, given: str) -> Source:
    """The place of a table that `profile.take_in` names `given`: an absolute path, or an address.

    A table in no commit keeps its whole path: a release of a commit would not find it otherwise.
    """
    table = Path(given)
    if "://" in given or not table.is_relative_to(repo) or table == repo:
        return Source(given, None)
    path = table.relative_to(repo).as_posix()
    held = _held(repo, path, "--cached")
    if not held or _held(repo, path, "--others"):
        return Source(given, path, f"{path} is in no commit, so factory.yaml names its place on this machine, {given}")
    if _filtered(repo, held[0]):
        return Source(given, path, f"git keeps {path} elsewhere (LFS), so factory.yaml names {given}, on this machine")
    return Source(path, path)


def _held(repo: Path, path: str, which: str) -> list[str]:
    return split_nul(git(repo, "ls-files", "-z", which, "--", path))


def _filtered(repo: Path, path: str) -> bool:
    """Whether a commit holds something else than the file."""
    return split_nul(git(repo, "check-attr", "-z", "filter", "--", path))[2] not in {"unspecified", "unset"}
