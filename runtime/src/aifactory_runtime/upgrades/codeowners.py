"""Reminds the owner of CODEOWNERS, which no update touches, of a folder that the factory has added since."""

from __future__ import annotations

import re
from pathlib import Path

_PLACES = ("CODEOWNERS", ".github/CODEOWNERS")
_OWNED = re.compile(r"^/?vendor/?\S*\s+\S", re.MULTILINE)
_MANIFEST = re.compile(r"^/factory\.yaml\s+(\S.*)$", re.MULTILINE)


def due(repo: Path) -> str | None:
    """The line to add where a CODEOWNERS file names owners of factory.yaml and none of vendor/."""
    for name in _PLACES:
        path = repo / name
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        owners = _MANIFEST.search(text)
        if owners and not _OWNED.search(text):
            return f"nobody is asked about changes of vendor/: add to {name} the line  /vendor/ {owners[1].strip()}"
    return None
