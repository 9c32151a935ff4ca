"""`factory new`, git init and first commit included, against `copier copy` of the same template and answers."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

from measure import CHECKOUT, FACTORY, Row, paired, ratio_row, seconds

ROUNDS = 7


def measure(work: Path) -> list[Row]:
    """One row."""
    folder = work / "scaffolding"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    numbers = itertools.count()

    def ours() -> float:
        name = f"bench-{next(numbers)}"
        return seconds([str(FACTORY), "new", name, "--owner", "ana", "--into", str(folder), "--allow-dirty"], folder)

    def theirs() -> float:
        name = f"plain-{next(numbers)}"
        copier = str(FACTORY.with_name("copier"))
        answers = ["--data", f"use_case={name}", "--data", "owner=ana"]
        command = [copier, "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD", *answers, str(CHECKOUT), name]
        return seconds(command, folder)

    ours_median, theirs_median = paired(ours, theirs, ROUNDS)
    return [ratio_row("`factory new`, whole process", "`copier copy`", 1.2, ours_median, theirs_median)]
