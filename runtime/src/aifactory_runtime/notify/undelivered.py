"""Why a message was not delivered, in words that hold nothing secret: they stand in the box and in outputs."""

from __future__ import annotations


class Undelivered(Exception):
    """A channel did not take a message; the text says why, and never where to."""

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused
        """The channel answers, but does not want this message; else it is tried again before all others."""


def because(error: BaseException) -> str:
    """What the system said. Texts of libraries are left out: they repeat addresses."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    said = error.strerror if isinstance(error, OSError) else None
    return said if isinstance(said, str) and "://" not in said else type(error).__name__
