"""Reminds the owner of CODEOWNERS, which no update touches, of a folder that the factory has added since."""

from __future__ import annotations

import re
from pathlib import Path

_PLACES = ("CODEOWNERS", ".github/CODEOWNERS")
_OWNED = re.compile(r"^/?vendor/?\S*\s+\S", re.MULTILINE)
_MANIFEST = re.compile(r"^/factory\.yaml\s+(\S.*)$", re.MULTILINE)
_ALL = re.compile(r"^(?:\*|/\*\*)\s+(\S.*)$", re.MULTILINE)


def due(repo: Path) -> str | None:
    """The line to add where a CODEOWNERS file names owners of factory.yaml, and not all of them for vendor/."""
    for name in _PLACES:
        path = repo / name
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        decide, asked = _last(_MANIFEST, text), _last(_ALL, text)
        if _OWNED.search(text) or set(decide.split()) <= set(asked.split()):
            continue
        who = f"{asked} alone" if asked else "nobody"
        return f"{name} asks {who} about changes of vendor/: add to {name} the line  /vendor/ {decide}"
    return None


def _last(pattern: re.Pattern[str], text: str) -> str:
    """Owners in the last line of that pattern, which is the one that counts; empty without any."""
    found = pattern.findall(text)
    return found[-1].partition(" #")[0].strip() if found else ""
