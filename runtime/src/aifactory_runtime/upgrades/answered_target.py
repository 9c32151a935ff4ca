"""Whether factory.yaml says the target that the repo's files were rendered for. Standard library only."""

from __future__ import annotations

import re
from pathlib import Path

MANIFEST, ANSWERS = "factory.yaml", ".copier-answers.yml"
LOCAL = "local"
_SAID = re.compile(r"^target:[ \t]*[\"']?([A-Za-z0-9_-]+)[\"']?[ \t]*(?:#.*)?$", re.MULTILINE)


def said(text: str) -> str:
    """The target that a manifest, or a file of answers, names; without one it is this machine."""
    found = _SAID.search(text)
    return found[1] if found else LOCAL


def due(repo: Path) -> str | None:
    """What is wrong where the two differ: CI, locks and image are then of another target than the environments."""
    try:
        stated, rendered = ((repo / name).read_text(encoding="utf-8") for name in (MANIFEST, ANSWERS))
    except (OSError, UnicodeDecodeError):
        return None  # which others say
    wanted, answered = said(stated), said(rendered)
    if wanted == answered:
        return None
    return (
        f"{MANIFEST} says target: {wanted}, but CI, locks and image are for {answered} ({ANSWERS}): put target: "
        f"{answered} back, commit, then factory target {wanted} changes all of it"
    )
