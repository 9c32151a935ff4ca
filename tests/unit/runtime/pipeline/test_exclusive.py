"""One pipeline at a time in an environment; the second names the first."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline import exclusive
from aifactory_runtime.pipeline.context import Context
from tests.unit.runtime.conftest import Pipeline

pytestmark = pytest.mark.slow


def test_fault_27_given_a_pipeline_that_runs_when_a_second_starts_then_it_leaves_naming_the_holder(
    pipeline: Pipeline, context: Context
) -> None:
    with exclusive.held(context.artifacts), pytest.raises(FactoryError, match=f"process {os.getpid()}"):
        pipeline()
    pipeline("ingest")


def test_fault_27_given_a_holder_that_has_not_said_its_name_yet_when_another_starts_then_it_is_still_named(
    tmp_path: Path,
) -> None:
    taken = tmp_path / "pipeline.lock"
    with taken.open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        saying = threading.Timer(0.2, taken.write_text, ["4711"])
        saying.start()

        with pytest.raises(FactoryError, match="process 4711"), exclusive.held(tmp_path):
            pass

        saying.join()
