"""The table of the slowest test files never ends a run: threads and children may be gone when they are counted."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from tests import slowest_files


def test_given_a_thread_and_a_process_that_ended_when_asked_then_nothing_is_told_and_they_count_as_nothing() -> None:
    ended: list[int] = []
    thread = threading.Thread(target=lambda: ended.append(threading.get_native_id()))
    thread.start()
    thread.join()
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()

    assert slowest_files.told(Path(f"/proc/self/task/{ended[0]}/children")) == ""
    assert slowest_files.worked_by(str(process.pid)) == 0
    assert slowest_files.worked_by("self") > 0
