"""When the next look at service, cost and age is due. Clocks jump: backwards is due, too, or all would be silent."""

from __future__ import annotations

from datetime import datetime, timedelta


def due(last: datetime | None, now: datetime, minutes: float) -> bool:
    """Whether it is time, `minutes` after the last look; a last look that lies in the future was before a jump."""
    return last is None or now < last or now - last >= timedelta(minutes=minutes)
