"""Runs the upgrade steps of the release that a repo goes to, on a copy of the owner's files that they may change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from aifactory.update import tree
from aifactory.update.tree import Entry, Tree
from aifactory_runtime.config import layout, outer
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.upgrades.steps import FILES


class Upgraded(NamedTuple):
    """What the steps made of the owner's files."""

    changed: dict[str, Entry]
    due: tuple[str, ...]
    """A sentence for each step that was due."""
    reminders: tuple[str, ...]
    """What is left to the owner."""


def apply(repo: Path, after: Tree, rendered: Path, folder: Path) -> Upgraded:
    """The owner's files of `after` as the steps of the runtime in `rendered` change them.

    `folder` is a new folder to work in. FactoryError when a step fails.
    """
    runtime = layout.runtime_folder(rendered)
    if not (runtime / "upgrades").is_dir():
        return Upgraded({}, (), ())
    before = _write(repo, after, folder)
    # -P, and a working folder of our own: a json.py of the owner's is not taken for the standard library's.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "aifactory_runtime.upgrades", str(folder)], cwd=folder.parent,
        env={**outer.for_a_repo(os.environ), "PYTHONPATH": str(runtime.parent)}, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        raise FactoryError(f"an upgrade of your files fails, so nothing was changed: {last}")
    said = json.loads(done.stdout)
    changed = {path: entry for path, entry in tree.of_folder(repo, folder, before).items() if entry != before[path]}
    return Upgraded(changed, tuple(said["due"]), tuple(said["reminders"]))


def _write(repo: Path, after: Tree, folder: Path) -> dict[str, Entry]:
    """The files that steps may see, written into `folder`."""
    seen = {path: after[path] for path in _matching(after) if after[path].mode in {tree.FILE, tree.EXECUTABLE}}
    folder.mkdir()
    for path, entry in seen.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(tree.content(repo, entry.blob))
        (folder / path).chmod(0o755 if entry.mode == tree.EXECUTABLE else 0o644)
    return seen


def _matching(paths: Iterable[str]) -> list[str]:
    return [
        path
        for path in paths
        for pattern in FILES
        if fnmatchcase(path, pattern) and path.count("/") == pattern.count("/")
    ]
