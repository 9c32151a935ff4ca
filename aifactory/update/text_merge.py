"""Merges what the owner and the factory both changed in one file, with git's own three-way merge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aifactory.git import attempt
from aifactory.update import tree
from aifactory.update.rules import Step
from aifactory.update.tree import EXECUTABLE, FILE, SUBMODULE, Entry
from aifactory.workshop import scratch
from aifactory_runtime.errors import FactoryError

_UNMERGEABLE = 255
"""What git's merge-file exits with for a file it cannot merge, such as a binary one."""


@dataclass(frozen=True)
class Merged:
    """A merged file. In a conflict `entry` holds both versions between markers, or is the owner's where none can be.

    None for a submodule, which only git can put in its place.
    """

    entry: Entry | None
    conflict: bool


def merge(repo: Path, step: Step, labels: tuple[str, str, str]) -> Merged:
    """The file of a step that both sides changed; `labels` name owner's, old and new version in a conflict."""
    base, ours, theirs = step.base, step.ours, step.theirs
    if base is None or ours is None or theirs is None:
        raise ValueError("a merge needs three versions")
    if not {base.mode, ours.mode, theirs.mode} <= {FILE, EXECUTABLE}:
        return Merged(None if ours.mode == SUBMODULE else ours, conflict=True)
    mode = theirs.mode if ours.mode == base.mode else ours.mode
    if theirs.blob in {ours.blob, base.blob}:
        return Merged(Entry(mode, ours.blob), conflict=False)
    if ours.blob == base.blob:
        return Merged(Entry(mode, theirs.blob), conflict=False)
    texts = [tree.content(repo, entry.blob) for entry in (ours, base, theirs)]
    text, conflict = three_way(texts[0], texts[1], texts[2], labels)
    return Merged(ours if text is None else Entry(mode, tree.store(repo, text)), conflict)


def three_way(ours: bytes, base: bytes, theirs: bytes, labels: tuple[str, str, str]) -> tuple[bytes | None, bool]:
    """The merged text and whether it holds a conflict; no text for what is not text.

    Line ends are the owner's: a file that was saved with CRLF is not a changed file.
    """
    if b"\r\n" in ours and b"\r\n" not in base + theirs:
        base, theirs = base.replace(b"\n", b"\r\n"), theirs.replace(b"\n", b"\r\n")
    if ours == base:
        return theirs, False
    with scratch("merge") as folder:
        names = ("ours", "base", "theirs")
        for name, text in zip(names, (ours, base, theirs), strict=True):
            (folder / name).write_bytes(text)
        said = [part for label in labels for part in ("-L", label)]
        done = attempt(folder, "merge-file", "-p", "--diff3", *said, *names)
    if done.returncode >= _UNMERGEABLE:
        if b"binary" in done.stderr:
            return None, True
        raise FactoryError(f"git merge-file failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout, done.returncode > 0
