"""Whether new code says of the same rows what the code before said, with the same model."""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import Any

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline.reproduction import parity
from aifactory_runtime.registry.port import Version
from aifactory_runtime.release import code_history, tags
from aifactory_runtime.release.candidate import Candidate
from aifactory_runtime.release.side import Side
from aifactory_runtime.release.staging_test.checks import Check

ROWS = 1_000
NAME = "the model answers as with the code before"


def code_before(candidate: Candidate, version: Version) -> str | None:
    """The commit that the model passed the test with, or else was trained from; None when that is the one to test."""
    before = version.tags.get(tags.TESTED_WITH, candidate.trained_from)
    return None if before == candidate.commit else before


def prepare(target: Side, version: Version, commit: str) -> None:
    """The snapshot of an earlier commit, made again when it is gone; FactoryError when git has it no more."""
    if not target.snapshots.is_made(commit):
        target.snapshots.extract(target.project.root, commit)
        target.snapshots.prepare(commit, code_history.lock(target, version, commit))


def check(commit: str, before: Future[str], now: dict[str, Any]) -> Check:
    """Hold what the code of `commit` said against what is said `now`; that it cannot be asked is a failure, too."""
    try:
        found = parity.held_against(json.loads(before.result()), now)
    except FactoryError as error:
        return Check(NAME, False, f"the code of {commit[:12]} cannot be asked: {error}")
    if found.reason is None:
        return Check(NAME, True, f"{found.rows} rows, code of {commit[:12]}")
    return Check(NAME, False, f"{found.reason}; if they are meant to, train again with run --again")
