"""What goes wrong on this machine, as the one sentence that people read."""

from __future__ import annotations


class Failure(Exception):
    """Says what is wrong and what to do about it."""


class Unreachable(Failure):
    """A service that should answer does not: what is known about its contents is the last known state."""
