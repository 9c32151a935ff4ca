"""Trees of files as git keeps them: mode and blob by path, read from commits and from folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aifactory.git import git, nul, split_nul
from aifactory.workshop import scratch

FILE, EXECUTABLE, LINK, SUBMODULE = "100644", "100755", "120000", "160000"


@dataclass(frozen=True)
class Entry:
    """A file of a tree: git's mode and the id of its content."""

    mode: str
    blob: str


Tree = Mapping[str, Entry]
"""Entries by path, with forward slashes, relative to the repo."""


def of_commit(repo: Path, commit: str) -> dict[str, Entry]:
    """Every file of a commit or of a tree object, submodules included."""
    entries = {}
    for record in split_nul(git(repo, "ls-tree", "-r", "-z", "--full-tree", commit)):
        head, _, path = record.partition("\t")
        mode, _kind, blob = head.split()
        entries[path] = Entry(mode, blob)
    return entries


def of_index(repo: Path) -> dict[str, Entry]:
    """What git's index has; of a conflict that waits, the owner's file."""
    entries = {}
    for record in split_nul(git(repo, "ls-files", "--stage", "-z")):
        head, _, path = record.partition("\t")
        mode, blob, stage = head.split()
        if stage in {"0", "2"}:
            entries[path] = Entry(mode, blob)
    return entries


def of_folder(repo: Path, folder: Path, paths: Iterable[str]) -> dict[str, Entry]:
    """The files `paths` of `folder`; git in `repo` holds their contents, and forgets them when nothing needs them."""
    plain, entries = [], {}
    for path in paths:
        full = folder / path
        mode = full.lstat().st_mode
        if stat.S_ISLNK(mode):
            target = os.fsencode(full.readlink())
            entries[path] = Entry(LINK, store(repo, target))
        else:
            plain.append((path, EXECUTABLE if mode & stat.S_IXUSR else FILE))
    names = "".join(f"{folder / path}\n" for path, _mode in plain)
    ids = git(repo, "hash-object", "-w", "--no-filters", "--stdin-paths", given=os.fsencode(names)).split()
    for (path, kept), blob in zip(plain, ids, strict=True):
        entries[path] = Entry(kept, blob.decode())
    return entries


def files_of(folder: Path) -> list[str]:
    """Paths of all files and links below `folder`, without those of a git repo in it."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        inside = Path(root).relative_to(folder)
        linked = [name for name in folders if (Path(root) / name).is_symlink()]
        found += [(inside / name).as_posix() for name in (*names, *linked)]
    return sorted(found)


def is_file(path: Path) -> bool:
    """Whether a file or a link lies there; a folder is neither."""
    return os.path.lexists(path) and (path.is_symlink() or not path.is_dir())


def store(repo: Path, content: bytes) -> str:
    """Id of `content`, which git then holds."""
    return git(repo, "hash-object", "-w", "--stdin", given=content).decode().strip()


def content(repo: Path, blob: str) -> bytes:
    """What a blob holds."""
    return git(repo, "cat-file", "blob", blob)


def moved(repo: Path, old: Tree, new: Tree) -> dict[str, str]:
    """New path by old path of what left `old` and may be back elsewhere in `new`: half of it or more is the same."""
    gone = {path: entry for path, entry in old.items() if path not in new}
    come = {path: entry for path, entry in new.items() if path not in old}
    if not gone or not come:
        return {}
    printed = split_nul(
        git(repo, "diff-tree", "-r", "-z", "-M50%", "-l0", "--diff-filter=R", write(repo, gone), write(repo, come))
    )
    return {printed[number + 1]: printed[number + 2] for number in range(0, len(printed), 3)}


def write(repo: Path, entries: Tree) -> str:
    """Id of the tree object with these entries."""
    with scratch_index(repo, entries) as variables:
        return git(repo, "write-tree", "--missing-ok", variables=variables).decode().strip()


@contextmanager
def scratch_index(repo: Path, entries: Tree) -> Iterator[Mapping[str, str]]:
    """Variables with which git has an index of these entries alone, that nobody else sees."""
    with scratch("index") as folder:
        variables = {"GIT_INDEX_FILE": str(folder / "index")}
        given = nul(f"{entry.mode} {entry.blob}\t{path}" for path, entry in entries.items())
        git(repo, "update-index", "-z", "--add", "--index-info", given=given, variables=variables)
        yield variables


def repo_path(repo: Path, name: str) -> Path:
    """A file or folder of our own beside git's own files: per work tree, in no commit."""
    return Path(os.fsdecode(git(repo, "rev-parse", "--absolute-git-dir").rstrip(b"\n"))) / name
