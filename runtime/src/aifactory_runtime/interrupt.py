"""Ctrl-C is one line and exit code 130, whatever goes on at that moment: imports too. Standard library only."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

CODE = 130
"""What shells expect after ^C."""
LINE = "factory: stopped; run the same command again to go on"


@contextmanager
def in_one_line() -> Iterator[None]:
    """Whatever runs inside ends with the line and the code when it is interrupted."""
    before, sys.unraisablehook = sys.unraisablehook, _unraisable
    try:
        yield
    except KeyboardInterrupt:
        end()
    finally:
        sys.unraisablehook = before


def end() -> NoReturn:
    """Say it and exit. Threads that still work are waited for; who presses Ctrl-C again does not wait."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(CODE))
    with suppress(OSError, ValueError):
        sys.stderr.write(LINE + "\n")
        sys.stderr.flush()
    sys.exit(CODE)


def _unraisable(found: Any) -> None:
    """An interrupt that hits a finalizer or a callback cannot be raised: the process ends there and then."""
    if found.exc_type is not None and issubclass(found.exc_type, KeyboardInterrupt):
        with suppress(SystemExit):
            end()
        os._exit(CODE)
    sys.__unraisablehook__(found)
