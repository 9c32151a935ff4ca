"""Collections of garbage: rare in a command and none of its modules at its end, as ever in a service."""

from __future__ import annotations

import subprocess
import sys


def said(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_given_a_command_when_it_ends_then_its_objects_are_kept_out_of_the_last_collections() -> None:
    frozen = said(
        "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 0))\n"
        "from aifactory_runtime import cli\n"
        "cli.main('none', ['--help'])"
    )

    assert frozen.endswith("True")


def test_given_a_command_when_it_begins_then_collections_are_rarer_until_it_serves() -> None:
    before, during, after = said(
        "import gc\n"
        "from aifactory_runtime import garbage\n"
        "from aifactory_runtime.serving import lean\n"
        "print(gc.get_threshold()[0]); garbage.seldom(); print(gc.get_threshold()[0])\n"
        "lean.settle(); print(gc.get_threshold()[0])"
    ).split()

    assert int(during) > int(before) == int(after)
