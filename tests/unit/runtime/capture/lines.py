"""Lines of the prediction log as the service writes them, and what of them is where."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aifactory_runtime.data import tables

START = datetime(2026, 11, 26, 23, 59, 0, tzinfo=UTC)


def prediction_id(number: int, moment: datetime = START) -> str:
    """A UUID of version 7 of this moment, another for each number."""
    digits = f"{int(moment.timestamp() * 1000):012x}7000a{number:015x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def line(number: int, seconds: float = 0.0) -> bytes:
    """A line without its closing brace, as the log takes it; `seconds` after `START`."""
    moment = START + timedelta(seconds=seconds)
    values: dict[str, Any] = {
        "id": prediction_id(number, moment),
        "time": moment.isoformat(timespec="milliseconds"),
        "model_version": "3",
        "model_sha256": "a" * 64,
        "commit": "b" * 40,
        "role": "champion",
        "inputs": {"age": number, "name": "Å"},
        "output": {"prediction": number % 2},
    }
    return json.dumps(values).encode()[:-1]


def stored(data: Path) -> list[dict[str, Any]]:
    """All rows of the table."""
    if tables.latest(data, tables.CAPTURED) is None:
        return []
    frame = tables.read(data, tables.CAPTURED)
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]
