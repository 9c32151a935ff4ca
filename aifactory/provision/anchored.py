"""What is anchored of an environment's audit log, for lines that name it; the mark that a log went for good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.services import anchoring


def head(root: Path, stack: str) -> dict[str, Any] | None:
    """Number and digest of the newest anchored line of a stack's log, in the home at `root`; None without any."""
    found = anchoring.read_heads(root).get(stack)
    return None if found is None else {"sequence": found.sequence, "sha256": found.sha256}


def end(root: Path, stack: str) -> None:
    """Have it written that the log went with its environment; a log of that name is another one from now on."""
    if head(root, stack) is not None:
        mark = root / anchoring.ENDED / stack
        mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.touch()
