"""The command `python -m <package>`, which Ctrl-C ends in one line from its first moment on.

Nothing is imported here that takes time: a traceback of imports would be all that is seen of an early Ctrl-C.
"""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130
"""What a command exits with that Ctrl-C ended."""


def main(package: str, arguments: list[str] | None = None) -> None:
    """Run the command line of the use case whose science is in `package`, and exit."""
    try:
        from aifactory_runtime import command_line

        command_line.main(package, arguments)
    except KeyboardInterrupt:
        _stop()


def _stop() -> None:
    """Say it and exit. Threads that still work are waited for; who presses Ctrl-C again does not wait."""
    import signal

    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    sys.stderr.write("Error: interrupted; running the command again finishes it\n")
    sys.exit(INTERRUPTED)
