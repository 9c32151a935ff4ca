"""Runs a module of ours for the engine and ends with it: killed, the engine cannot tell its plugins to stop.

Used as `python -m infra.engine_bound MODULE ARGUMENTS`. A parent's process id that changes is the only sign there is
on every Linux; a death signal would come too early, because it follows the engine's thread, not the engine.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time

_PAUSE = 1.0


def end_with_parent() -> None:
    """End this process within a second of its parent's end; returns at once."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PAUSE)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


if __name__ == "__main__":
    end_with_parent()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
