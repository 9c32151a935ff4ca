"""Threads that wait for each other do so asleep, unless somebody chose otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from aifactory_runtime import threads


@pytest.mark.parametrize(("chosen", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_given_a_command_when_it_runs_then_it_is_said_before_a_numeric_library_is_there(
    chosen: str | None, expected: str
) -> None:
    program = (
        "import atexit, os, sys\n"
        "from aifactory_runtime import lazy_commands, threads\n"
        "real = threads.sleep_while_waiting\n"
        "def said(): print('numpy' in sys.modules); real()\n"
        "threads.sleep_while_waiting = said\n"
        f"atexit.register(lambda: print(os.environ[{threads.VARIABLE!r}]))\n"
        "from aifactory_runtime import cli\n"
        "cli.main('none', ['--help'])"
    )
    variables = {name: value for name, value in os.environ.items() if name != threads.VARIABLE}
    variables |= {} if chosen is None else {threads.VARIABLE: chosen}
    done = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True, timeout=60
    )
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == ("False", expected)
