"""Refuses a change set into folders that cannot be written, before any file of it takes its place."""

from __future__ import annotations

import os
from pathlib import Path

from aifactory.update.record import ChangeSet
from aifactory.update.rules import parents
from aifactory_runtime.errors import UsageProblem


def refuse_unwritable(repo: Path, change_set: ChangeSet) -> None:
    """UsageProblem, which names the folder, when a file cannot be put into it or removed from it."""
    for change in change_set.changes:
        there = [parent for parent in parents(change.path) if (repo / parent).is_dir()]
        folder = repo / there[0] if there else repo
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UsageProblem(
                f"the folder {folder} cannot be written, and {change.path} changes there: nothing was written; see its "
                f"owner, rights and disk, then factory {change_set.command} again"
            )
