"""The mark beside a credentials file that asks for a new secret: drift until the resource has drawn one."""

from __future__ import annotations

import json
from pathlib import Path

from infra.providers.local import files
from infra.providers.protocol.failure import Failure

PENDING = "to be rotated"
MOST_OVERLAP_SECONDS = 86_400


def mark(path: Path) -> Path:
    """The mark of the credentials file at `path`."""
    return path.with_suffix(".rotate")


def ask(path: Path, overlap_seconds: float = 0.0) -> None:
    """Ask for a new secret; where the service can take two, the old one is let in for `overlap_seconds` more."""
    files.write(mark(path), json.dumps({"overlap_seconds": overlap_seconds}) + "\n")


def overlap(path: Path) -> float | None:
    """Seconds that the old secret stays valid; None when no new one is asked for, Failure when the mark is damaged."""
    if not mark(path).exists():
        return None
    seconds = files.own_json(mark(path)).get("overlap_seconds", 0.0)
    if not isinstance(seconds, int | float) or not 0 <= seconds <= MOST_OVERLAP_SECONDS:
        raise Failure(f"{mark(path)} is damaged: remove it, then factory rotate again")
    return float(seconds)


def done(path: Path) -> None:
    """The new secret is in use: take the mark away."""
    mark(path).unlink(missing_ok=True)
