"""The demo, run once in a folder of its own; every end-to-end test looks at what it left or carries on from there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.spine import FACTORY, Spine

DEMO = Path(__file__).parents[2] / "demo" / "demo.py"


def demo(folder: Path, action: str = "up") -> subprocess.CompletedProcess[str]:
    """Run the demo script to its end."""
    command = [sys.executable, str(DEMO), action, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)


def kill_half_way(spine: Spine) -> None:
    """A first demo, killed with all its processes while it provisions; the next one has to finish it."""
    command = [sys.executable, "-u", str(DEMO), "up", str(spine.folder)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while not list((spine.home / "services" / "conf.d").glob("*.conf")):
        assert first.poll() is None, "the first demo ended before it started a service"
        time.sleep(0.1)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()


@pytest.fixture(scope="session")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spine]:
    """A use case released to prod on a platform of its own; destroyed at the end, whatever happened."""
    found = Spine(tmp_path_factory.mktemp("spine") / "demo")
    try:
        kill_half_way(found)
        done = demo(found.folder)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        (found.folder.parent / "demo.log").write_text(done.stdout)
        yield found
    finally:
        if found.home.exists():
            found.run(FACTORY, "destroy", "--all", "--yes", "--unprotect", "prod", cwd=found.folder)
