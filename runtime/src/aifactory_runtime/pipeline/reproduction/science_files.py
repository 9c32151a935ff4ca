"""Reads the files that science is made of, alike from a folder and from a commit; links by what they hold."""

from __future__ import annotations

import os
import posixpath
import secrets
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aifactory_runtime.config import layout
from aifactory_runtime.errors import UsageProblem

_FILE, _LINK = "100", "120000"
"""How git's modes of files begin, and its mode of symbolic links."""


@dataclass(frozen=True)
class File:
    """Content of a file, of a symbolic link that of the file it leads to."""

    content: bytes
    link: bytes | None = None
    """Where a symbolic link leads, as git keeps it."""


def of_folder(root: Path, package: str, more: Sequence[str]) -> dict[str, File]:
    """The package's files at `root` and those of `more` that are there, by name.

    Files that git is told to ignore do not count, as no commit has them. UsageProblem names a link that leads to none.
    """
    place, listed = root / layout.SCIENCE / package, None
    if not layout.is_snapshot(root):
        listed = _known(root, [f"{layout.SCIENCE}/{package}"])
    if not listed:  # a snapshot or an image: files of a commit, without git
        found = (path for path in place.rglob("*") if path.is_symlink() or path.is_file())
        listed = {path.relative_to(root).as_posix() for path in found}
    names = [name for name in {*listed, *more} if _counts(name)]
    links = {name: str((root / name).readlink()) for name in names if (root / name).is_symlink()}
    targets = {name: _target(name, link) for name, link in links.items()}
    known = _known(root, targets.values()) if targets and not layout.is_snapshot(root) else None
    for name, target in targets.items():
        at = root / target
        if not at.is_file() or at.resolve() != root.resolve() / target or (known is not None and target not in known):
            raise _leads_nowhere(name)
    plain = {name: File((root / name).read_bytes()) for name in names if name not in links and (root / name).is_file()}
    linked = {name: File((root / targets[name]).read_bytes(), os.fsencode(link)) for name, link in links.items()}
    return plain | linked


def of_commit(root: Path, commit: str, package: str, more: Sequence[str]) -> dict[str, File] | None:
    """The same of `commit` of the repo at `root`, without touching its files; None when git has it not."""
    top = _git(root, "rev-parse", "--show-prefix", "--verify", "--quiet", f"{commit}^{{commit}}")
    entries = _entries(root, commit, [f"{layout.SCIENCE}/{package}", *more]) if top is not None else None
    if top is None or entries is None:
        return None
    prefix = os.fsdecode(top.split(b"\n", 1)[0])
    found = _contents(root, prefix, {name: blob for name, (_, blob) in entries.items()})
    targets = {name: _target(name, os.fsdecode(found[name])) for name in found if entries[name][0] == _LINK}
    there = (_entries(root, commit, sorted(set(targets.values()))) or {}) if targets else {}
    for name, target in targets.items():
        if not there.get(target, ("", ""))[0].startswith(_FILE):
            raise _leads_nowhere(name)
    held = _contents(root, prefix, {target: there[target][1] for target in targets.values()})
    if found.keys() != entries.keys() or held.keys() != set(targets.values()):
        return None
    return {name: File(held[targets[name]], own) if name in targets else File(own) for name, own in found.items()}


def _target(name: str, link: str) -> str:
    """The name of what a link leads to; UsageProblem where that is outside of the repo."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
    if target.startswith(("/", "../")):
        raise _leads_nowhere(name)
    return target


def _leads_nowhere(name: str) -> UsageProblem:
    return UsageProblem(
        f"{name} is a symbolic link, and leads to no file that git keeps in this repo: put the file there"
    )


def _counts(name: str) -> bool:
    """Whether a file is part of the package: what Python compiled is not. UsageProblem where git cannot be asked."""
    if "\n" in name:
        raise UsageProblem(f"the name of {name!r} holds a line break: rename the file")
    return not name.endswith(".pyc")


def _known(root: Path, names: Iterable[str]) -> set[str] | None:
    """Files that git keeps, or would with the next commit, at or below `names`; None where there is no git."""
    command = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *names)
    listed = _git(root, *command)
    return None if listed is None else set(filter(None, os.fsdecode(listed).split("\0")))


def _entries(root: Path, commit: str, names: Sequence[str]) -> dict[str, tuple[str, str]] | None:
    """Mode and blob of each file of `commit` at or below `names`; None when git refuses."""
    listed = _git(root, "ls-tree", "-r", "-z", commit, "--", *names)
    if listed is None:
        return None
    found = {}
    for entry in filter(None, os.fsdecode(listed).split("\0")):
        about, _, name = entry.partition("\t")
        mode, kind, blob = about.split()
        if kind == "blob" and _counts(name):
            found[name] = (mode, blob)
    return found


def _contents(root: Path, prefix: str, wanted: Mapping[str, str]) -> dict[str, bytes]:
    """The blobs of the files `wanted`, as a work tree has them: .gitattributes may speak of line ends and filters.

    Of a blob that is missing there is nothing. Git gives its size before filters, so a line that no file holds parts
    one from the next.
    """
    line = secrets.token_hex(16)
    asked = "".join(f"{blob} {prefix}{name}\n" for name, blob in wanted.items())
    given = _git(root, "cat-file", f"--batch={line}", "--filters", given=os.fsencode(asked)) or b""
    contents = [content.removesuffix(b"\n") for content in given.split(line.encode() + b"\n")[1:]]
    return dict(zip(wanted, contents, strict=True)) if len(contents) == len(wanted) else {}


def _git(root: Path, *arguments: str, given: bytes | None = None) -> bytes | None:
    """What git says; None when it refuses or is not there."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], input=given, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
