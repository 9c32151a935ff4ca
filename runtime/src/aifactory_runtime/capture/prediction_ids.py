"""Ids of predictions: those of the service hold the time at which they were made, those of batches none."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def made_at(prediction_id: str) -> datetime | None:
    """When an id of the service was made, to the millisecond; None of every other text.

    The line of the prediction is written a moment later.
    """
    if not _UUID7.fullmatch(prediction_id):
        return None
    try:
        return datetime.fromtimestamp(int(prediction_id.replace("-", "")[:12], 16) / 1000, UTC)
    except (ValueError, OverflowError):
        return None
