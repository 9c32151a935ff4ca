"""A run that fails, is killed, or may not begin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline import run as pipeline_run
from aifactory_runtime.pipeline.context import Context
from tests.unit.runtime.conftest import Pipeline

pytestmark = pytest.mark.slow


def test_given_a_run_that_failed_when_it_is_asked_for_then_its_handoff_says_why_until_it_goes_on(
    context: Context,
) -> None:
    steps: dict[str, pipeline_run.Step] = {
        "ingest": _fails(FactoryError("no column age\nin data.csv")),
        "validate": _fails(ValueError("age 41 of ana")),
        "prepare": _fails(KeyboardInterrupt()),
        "train": lambda _context, handoff: handoff,
    }
    said = []

    for name in steps:
        begun = pipeline_run._begin(context, "experiment", new_reference=False)
        with suppress(FactoryError, ValueError, KeyboardInterrupt):
            pipeline_run.run(context, [name], run_id=begun.id, kind="experiment", say=lambda _: None, steps=steps)
        said.append(handoffs.load(context.artifacts, begun.id))

    assert [one.error for one in said] == ["no column age", "ValueError", None, None]
    pipeline_run.run(context, ["train"], run_id=said[0].id, kind="experiment", say=lambda _: None, steps=steps)
    assert handoffs.load(context.artifacts, said[0].id).error is None


def _fails(error: BaseException) -> pipeline_run.Step:
    def step(_context: Context, _handoff: handoffs.Handoff) -> handoffs.Handoff:
        raise error

    return step


def test_fault_26_given_kills_at_any_moment_when_run_again_then_one_version(repo: Path, context: Context) -> None:
    command = [sys.executable, "-m", "demo_case", "run"]
    environment = {**os.environ, "PYTHONPATH": "src"}
    steps = iter(("ingest", "prepare", "train", "evaluate"))
    for step in steps:
        process = subprocess.Popen(command, cwd=repo, env=environment, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(step):
                process.kill()
                break
        process.wait()
        process.stderr.close()
    done = subprocess.run(command, cwd=repo, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(context.registry.versions()) == 1
    assert tables.latest(context.tables, "reference").version == 0  # type: ignore[union-attr]


def test_given_credentials_that_others_can_read_when_run_then_no_step_begins(
    repo: Path, pipeline: Pipeline, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = repo.parent / "ana.json"
    path.write_text(json.dumps({"identity": "ana", "roles": [], "login": "ana", "password": "p"}))
    path.chmod(0o644)
    monkeypatch.setenv("AIFACTORY_CREDENTIALS_FILE", str(path))
    with pytest.raises(UsageProblem, match=f"{path} can be read by others: chmod 600"):
        pipeline()
    assert not context.artifacts.exists()
    assert not context.tables.exists()
    path.chmod(0o600)
    assert pipeline().version == 1
