"""A small update of a small repo, made by hand, and what the repo holds before and after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aifactory.update import tree
from aifactory.update.record import Change, ChangeSet
from aifactory.update.tree import EXECUTABLE, FILE, LINK, Entry
from tests.fixtures.usecase_repo import commit, git

MARKED = b"<<<<<<< yours\nmine\n=======\nits\n>>>>>>> factory\n"


def make_repo(root: Path) -> Path:
    """Files of all kinds, committed, and one that git does not know."""
    (root / "docs").mkdir(parents=True)
    (root / "Makefile").write_text("all:\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "docs" / "old.md").write_text("old\n")
    (root / "gone.txt").write_text("gone\n")
    (root / "both.txt").write_text("mine\n")
    (root / "data.bin").write_bytes(bytes(range(256)) * 40)
    (root / "link").symlink_to("Makefile")
    (root / ".gitignore").write_text(".factory/\nnotes.txt\n")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "Start")
    (root / "notes.txt").write_text("only here\n")
    return root


def made(repo: Path, *, conflict: bool = False) -> ChangeSet:
    """A move that adds, changes, removes, renames, makes a file of a folder, and a folder of a file."""
    before = tree.of_commit(repo, "HEAD")

    def new(text: str | bytes, mode: str = FILE) -> Entry:
        return Entry(mode, tree.store(repo, text.encode() if isinstance(text, str) else text))

    changes = [
        Change("Makefile", before["Makefile"], new("all: check\n")),
        Change("run.sh", before["run.sh"], Entry(FILE, before["run.sh"].blob)),
        Change("docs", None, new("a file now\n")),
        Change("docs/old.md", before["docs/old.md"], None),
        Change("gone.txt", before["gone.txt"], None),
        Change("gone.txt/inside.txt", None, new("a folder now\n")),
        Change("vendor/deep/new.py", None, new("x = 1\n", EXECUTABLE)),
        Change("link", before["link"], new("run.sh", LINK)),
    ]
    if conflict:
        stages = (new("base\n"), before["both.txt"], new("its\n"))
        changes.append(Change("both.txt", before["both.txt"], new(MARKED), stages, "edited by both"))
    return ChangeSet(git(repo, "rev-parse", "HEAD"), "0.1.0 to 0.2.0", tuple(changes))


def state(repo: Path) -> dict[str, Any]:
    """All that a person has: every file with mode and content, what git says, where HEAD is."""
    files = {}
    for path in tree.files_of(repo):
        full = repo / path
        files[path] = str(full.readlink()) if full.is_symlink() else (full.read_bytes(), full.stat().st_mode & 0o777)
    return {"files": files, "status": git(repo, "status", "--porcelain"), "head": git(repo, "rev-parse", "HEAD")}
