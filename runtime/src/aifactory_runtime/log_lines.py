"""Logs of one line an entry, which a killed writer may leave with half a line: where their whole lines end."""

from __future__ import annotations

import os

_BLOCK = 65_536


def after_last_newline(descriptor: int, end: int) -> int:
    """Offset just after the last newline before `end` of a file that is open for reading, 0 when there is none."""
    while end > 0:
        start = max(0, end - _BLOCK)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
