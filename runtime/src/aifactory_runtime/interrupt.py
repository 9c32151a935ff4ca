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


class _Key:
    """Raises KeyboardInterrupt as Python's own handler does, and remembers that it did."""

    def __init__(self) -> None:
        self.pressed = False

    def __call__(self, *_: object) -> NoReturn:
        self.pressed = True
        raise KeyboardInterrupt


def pressed() -> bool:
    """Whether Ctrl-C was pressed: a library, or a program that got it too, may have made another error of it."""
    handler = signal.getsignal(signal.SIGINT)
    return isinstance(handler, _Key) and handler.pressed


@contextmanager
def in_one_line() -> Iterator[None]:
    """Whatever runs inside ends with the line and the code when it is interrupted; to be entered in the main thread."""
    before, sys.unraisablehook = sys.unraisablehook, _unraisable
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # a command in the background ignores the key, and goes on doing so
        signal.signal(signal.SIGINT, _Key())
    try:
        yield
    except KeyboardInterrupt:
        end()
    except Exception:
        if pressed():
            end()
        raise
    finally:
        sys.unraisablehook = before
        if isinstance(signal.getsignal(signal.SIGINT), _Key):
            signal.signal(signal.SIGINT, handler)


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
