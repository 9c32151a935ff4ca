"""What an update changes is said file by file, as one line for many, and never short of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from aifactory.update import summary, tree
from aifactory.update.record import Change, ChangeSet
from aifactory.update.summary import FileChange
from aifactory.update.tree import Entry
from tests.fixtures.usecase_repo import commit, git


def moved(repo: Path, texts: dict[str, bytes | None]) -> ChangeSet:
    """A move that gives files these contents; None removes one."""
    before = tree.of_commit(repo, "HEAD")
    changes = []
    for path, text in texts.items():
        blob = None if text is None else tree.store(repo, text)
        changes.append(Change(path, before.get(path), Entry(tree.FILE, blob) if blob else None))
    return ChangeSet(git(repo, "rev-parse", "HEAD"), "0.1.0 to 0.2.0", tuple(changes))


def made(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "runtime.py").write_text("".join(f"line {number}\n" for number in range(30)))
    (tmp_path / "Makefile").write_text("a\nb\nc\n")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\0old")
    (tmp_path / "gone.txt").write_text("x\n")
    commit(tmp_path, "Start")
    return tmp_path


@pytest.mark.heavy
def test_given_files_that_change_move_come_and_go_when_summed_up_then_each_is_there_with_its_lines(
    tmp_path: Path,
) -> None:
    repo = made(tmp_path)
    text = (repo / "old" / "runtime.py").read_bytes()
    change_set = moved(
        repo,
        {
            "Makefile": b"a\nb\nd\ne\n",
            "logo.png": b"\x89PNG\0new",
            "gone.txt": None,
            "docs/new page.md": b"new\n",
            "old/runtime.py": None,
            "vendor/runtime.py": text + b"more\n",
        },
    )

    assert summary.of(repo, change_set) == [
        FileChange("Makefile", "changed", None, 2, 1),
        FileChange("docs/new page.md", "added", None, 1, 0),
        FileChange("gone.txt", "removed", None, 0, 1),
        FileChange("logo.png", "changed", None, None, None),
        FileChange("vendor/runtime.py", "moved", "old/runtime.py", 1, 0),
    ]
    assert list(summary.lines(summary.of(repo, change_set))) == [
        "docs/new page.md: added, +1 -0 lines",
        "Makefile: changed, +2 -1 lines",
        "logo.png: changed",
        "old/runtime.py -> vendor/runtime.py: moved, +1 -0 lines",
        "gone.txt: removed, +0 -1 lines",
        "5 files, +4 -2 lines",
    ]
    assert git(repo, "status", "--porcelain") == ""


def test_given_a_folder_with_many_files_when_summed_up_then_one_line_counts_them() -> None:
    many = [FileChange(f"vendor/aifactory-runtime/src/{number}.py", "added", None, 2, 0) for number in range(21)]
    assert list(summary.lines([*many, FileChange("Makefile", "changed", None, 1, 1)])) == [
        "vendor/aifactory-runtime/: 21 files added, +42 -0 lines",
        "Makefile: changed, +1 -1 lines",
        "22 files, +43 -1 lines",
    ]
