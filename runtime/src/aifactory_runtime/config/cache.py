"""The folder of what is made or downloaded once for all repos and homes of a user."""

from __future__ import annotations

import os
from pathlib import Path


def folder() -> Path:
    """FACTORY_CACHE, else `aifactory` in XDG_CACHE_HOME or `~/.cache`."""
    base = os.environ.get("FACTORY_CACHE")
    if base:
        return Path(base).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aifactory"
