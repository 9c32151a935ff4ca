"""What is said of a run while it goes on: a line for each step that is done, and now and then what runs right now."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TextIO

_BEGIN, _TO_END = "\r", "\x1b[K"
"""To the beginning of the line; and what a terminal takes for: nothing from here to the end of the line."""
_SECONDS = 1.0
_PIPE_SECONDS = 10.0
"""How often, in a pipe, a step that goes on gets a line."""
_DETAIL = logging.getLogger("aifactory.progress")


def detail(text: str) -> None:
    """Say how far the step is, such as `trial 3 of 20`; nobody hears it unless a `Clock` shows it."""
    _DETAIL.info(text)


class Clock:
    """Says each step with its seconds when it is done, and counts them.

    At a terminal a step of more than a second is shown while it runs, in a line that is written over each second. In a
    pipe a step that takes longer gets a line of its own now and then.
    """

    def __init__(self, steps: Sequence[str], stream: TextIO | None = None) -> None:
        self.done = 0
        self._steps = steps
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._began = time.monotonic()
        self._listener = _Listener()
        self._line = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> Clock:
        """Show what runs."""
        _DETAIL.addHandler(self._listener)
        _DETAIL.setLevel(logging.INFO)
        _DETAIL.propagate = False
        threading.Thread(target=self._show, name="progress", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show nothing any more; the line is free for what comes of the run."""
        del kind, error, trace
        self._over.set()
        _DETAIL.removeHandler(self._listener)
        self._write("")

    def __call__(self, step: str) -> None:
        """`step` is done."""
        self._write(f"{step:<9} {time.monotonic() - self._began:6.2f} s\n")
        self._began = time.monotonic()
        self._listener.text = ""
        self.done += 1

    def _show(self) -> None:
        every, end = (_SECONDS, _BEGIN) if self._terminal else (_PIPE_SECONDS, "\n")
        while not self._over.wait(every):
            seconds = time.monotonic() - self._began
            if seconds >= every and self.done < len(self._steps):
                shown = ", ".join(filter(None, (f"{seconds:.0f} s", self._listener.text)))
                self._write(f"{self._steps[self.done]:<9} {shown} ...{end}", passing=True)

    def _write(self, text: str, *, passing: bool = False) -> None:
        """Write over what is shown; what others write next begins where the line does. At the end nothing `passing`."""
        with self._line:
            over = f"{_BEGIN}{_TO_END}" if self._terminal else ""
            self._stream.write(over + ("" if self._over.is_set() and passing else text))
            self._stream.flush()


class _Listener(logging.Handler):
    """Keeps the last detail that was said."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.text = record.getMessage()
