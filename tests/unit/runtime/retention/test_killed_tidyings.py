"""A tidying is killed at each of its writes, and the next one ends what it began."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


@pytest.mark.long
def test_fault_55_given_a_tidying_killed_at_every_write_when_tidied_again_then_nothing_is_lost_left_over_or_unsaid(
    tmp_path: Path,
) -> None:
    program = "tests.unit.runtime.retention.killed_tidyings"
    done = subprocess.run(
        [sys.executable, "-m", program, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kills = int(done.stdout.split()[-2])
    assert kills > 30, done.stdout
