"""Standard streams that are there whoever starts the command: one that is closed is /dev/null."""

from __future__ import annotations

import os
import sys


def open_closed() -> None:
    """Open /dev/null where a standard stream is closed, in its number: no file of ours takes its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
