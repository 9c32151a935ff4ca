"""The closed loop, whole: `demo-loop` on a platform of its own, for a class and for a number."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.long]
CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_given_a_public_table_that_shifts_when_the_loop_is_run_then_each_step_is_seen_and_no_request_failed(
    tmp_path: Path, problem: str
) -> None:
    def loop(action: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "demo.loop", action, str(tmp_path / "demo")]
        variables = {**os.environ, "DEMO_LOOP": problem}
        return subprocess.run(command, cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False)

    try:
        done = loop("up")
        assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
        assert done.stdout.count("0 requests failed.") == 1
    finally:
        loop("down")
        home = {**os.environ, "FACTORY_HOME": str(tmp_path / "demo" / "home")}
        destroy = (str(Path(sys.executable).with_name("factory")), "destroy", "--all", "--yes", "--unprotect", "prod")
        subprocess.run(destroy, cwd=CHECKOUT, env=home, capture_output=True, check=False)
