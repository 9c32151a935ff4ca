"""What goes wrong on this machine, as the one sentence that people read."""

from __future__ import annotations


class Problem(Exception):
    """Says what is wrong and what to do about it."""


class Unreachable(Problem):
    """A service that should answer does not: what is known about its contents is the last known state."""
