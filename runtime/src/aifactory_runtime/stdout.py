"""Standard output kept for the answer: what science and its libraries print meanwhile goes to standard error."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def kept(wanted: bool = True) -> Iterator[None]:
    """While the block runs, whatever is printed goes to standard error, by C libraries and child processes too.

    Not `wanted` changes nothing: people look for what they print where they always do.
    """
    if not wanted:
        yield
        return
    out = sys.stdout
    out.flush()
    real = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        out.flush()
        ctypes.CDLL(None).fflush(None)  # what C libraries still hold would come after the answer, at the end
        os.dup2(real, 1)
        os.close(real)
