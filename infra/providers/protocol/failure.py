"""What goes wrong in a provider, as the one sentence that people read."""

from __future__ import annotations


class Failure(Exception):
    """Says what is wrong and what to do about it."""
