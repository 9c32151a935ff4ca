"""When the service itself takes the challenger out: too many of its last calls failed, or were slow."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

CALLS = 200
"""So many calls are looked at, the last ones."""
LEAST = 10
"""Fewer failed calls than this take nobody out: a share of very few calls says little."""
SLOW_SHARE = 0.05


@dataclass
class Guard:
    """The last calls of one worker to the challenger."""

    errors: float
    """The share of calls that may fail."""
    latency: float
    """Seconds within which 95 % of its answers have to come."""
    _failed: deque[bool] = field(default_factory=lambda: deque(maxlen=CALLS))
    _slow: deque[bool] = field(default_factory=lambda: deque(maxlen=CALLS))

    def called(self, seconds: float, *, failed: bool) -> None:
        """Take a call that has ended into account."""
        self._failed.append(failed)
        self._slow.append(seconds > self.latency)

    @property
    def broken(self) -> str | None:
        """Why the challenger has to go; None when it may stay."""
        calls = len(self._failed)
        if _too_many(self._failed, self.errors):
            return f"{sum(self._failed)} of its last {calls} calls failed, {self.errors:.1%} may"
        if _too_many(self._slow, SLOW_SHARE):
            slow = f"{sum(self._slow)} of its last {calls} calls took more than {self.latency:g} s"
            return f"{slow}, {SLOW_SHARE:.0%} may"
        return None


def _too_many(calls: deque[bool], share: float) -> bool:
    found = sum(calls)
    return found >= LEAST and found > share * len(calls)
