"""What goes wrong on this machine besides failures."""

from __future__ import annotations

from infra.providers.protocol.failure import Failure


class Unreachable(Failure):
    """A service that should answer does not: what is known about its contents is the last known state."""
