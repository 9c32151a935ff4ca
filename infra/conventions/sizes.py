"""Where a size may be asked for; what it means and costs is in each target's `offer.py`."""

from __future__ import annotations

SIZES = ("small", "medium", "large")

ALLOWED = {
    "dev": ("small", "medium"),
    "staging": SIZES,
    "prod": SIZES,
}
"""Sizes that an environment gives."""
