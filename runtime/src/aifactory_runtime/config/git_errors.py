"""Why git failed, as the end of one line: its last words, or that a disk is full, which it often leaves out."""

from __future__ import annotations

import shutil
from pathlib import Path

_FULL = (b"no space left", b"out of diskspace", b"disk quota exceeded")
_UNWRITTEN = (b"unable to write", b"write error", b"cannot create", b"unable to create")
_NEARLY_NOTHING_BYTES = 1 << 20


def why(said: bytes, folder: Path) -> str:
    """What git `said` on standard error while it wrote into `folder`."""
    if _disk_is_full(said.lower(), folder):
        return f"the disk of {folder} is full: make room there, then again"
    lines = said.decode(errors="replace").strip().splitlines() or ["git said nothing"]
    return lines[-1]


def _disk_is_full(said: bytes, folder: Path) -> bool:
    if any(words in said for words in _FULL):
        return True
    return any(words in said for words in _UNWRITTEN) and shutil.disk_usage(folder).free < _NEARLY_NOTHING_BYTES
