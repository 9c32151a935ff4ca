"""The Delta table `monitors`: one row a window, monitor, and column or slice; each window is one commit.

Old windows are packed: see `packing`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aifactory_runtime.data import table_place, table_writing, tables
from aifactory_runtime.data.tables import MONITORS
from aifactory_runtime.monitoring.result import Result
from aifactory_runtime.storage.place import Place as Folder

if TYPE_CHECKING:
    import pyarrow as pa

TRAFFIC = "traffic"
"""Windows of predictions; their number is the sequence of their last prediction."""
CLOCK = "clock"
"""Looks at service, cost and age; numbered, as clocks may jump."""
BATCHES = "batches"
"""Windows of rows that batches scored, where no service answers; numbered."""
LABELS = "labels"
"""Windows of labelled predictions, numbered."""
BY = "window"
"""The column by which files are parted: each window is one, until it is packed."""
APART = 60
"""So many windows of each kind are never packed, nor removed: nobody asks for older ones by their place."""
_SHOWN = (
    *(BY, "begins", "ends", "rows", "model_version"),
    *("area", "monitor", "subject", "value", "threshold", "state", "reason"),
)


@dataclass(frozen=True)
class Place:
    """Which window some results are of."""

    source: str
    number: int
    begins: str
    ends: str
    rows: int = 0
    first: int | None = None
    """Sequence of its first prediction."""
    version: str = ""
    sha256: str = ""

    @property
    def name(self) -> str:
        """As the table and events call it."""
        return name(self.source, self.number)


def name(source: str, number: int) -> str:
    """What a window is called."""
    return f"{source} {number}"


def source_of(window: str) -> str:
    """Of which kind a window of this name is."""
    return window.rpartition(" ")[0]


def position(data: Folder, source: str) -> int:
    """The number of the last window of this kind; 0 when there is none."""
    return tables.position(data, MONITORS, source)


def write(data: Folder, place: Place, results: Sequence[Result], now: datetime) -> bool:
    """Add a window; False when it is there already. FactoryError when the disk does not take it."""
    batch = _batch(place, results, now)
    return table_writing.append_stream(data, MONITORS, (place.source, place.number), by=BY, chunks=lambda: [batch]).new


def window(data: Folder, source: str, number: int) -> list[dict[str, Any]]:
    """The rows of one of the last windows of its kind, `facts` as a mapping; none when it is not there."""
    wanted = name(source, number)
    found = tables.having(data, MONITORS, (BY, wanted), (BY, wanted.__eq__)) if number else iter(())
    return [row | {"facts": json.loads(row["facts"])} for row in found]


@dataclass(frozen=True)
class Window:
    """A window with its rows: `begins` and `ends` as they were written, `rows` of predictions."""

    name: str
    begins: str
    ends: str
    predictions: int
    version: str
    rows: tuple[Mapping[str, Any], ...]


def newest(data: Folder, source: str, most: int) -> list[Window]:
    """The last `most` windows of this kind, `APART` at most, oldest first; of any table only these are read."""
    found = tables.newest(data, MONITORS, (BY, f"{source} "), most, _SHOWN)
    return [
        Window(rows[0][BY], rows[0]["begins"], rows[0]["ends"], rows[0]["rows"], rows[0]["model_version"], tuple(rows))
        for rows in found
        if rows
    ]


def firsts(data: Folder, source: str, sha256: str, most: int) -> list[int]:
    """The first sequences of this champion's windows of a kind, in order, among the last `most` windows of any."""
    found = tables.newest(data, MONITORS, (BY, f"{source} "), most, ("first_sequence", "model_sha256"))
    return [int(rows[0]["first_sequence"]) for rows in found if rows and rows[0]["model_sha256"] == sha256]


def of_model(data: Folder, sha256: str, monitor: str, subject: str) -> list[dict[str, Any]]:
    """`value` and `facts` of one monitor in all windows of a model, in order, where it has a value."""
    if table_place.opened(data, MONITORS) is None:
        return []
    wanted, found = ["monitor", "subject", "value", "facts"], []
    for frame in tables.batches(data, MONITORS, columns=wanted, where=("model_sha256", sha256)):
        own = frame[(frame["monitor"] == monitor) & (frame["subject"] == subject) & frame["value"].notna()]
        found += [
            {"value": float(value), "facts": json.loads(facts)}
            for value, facts in zip(own["value"], own["facts"], strict=True)
        ]
    return found


def as_rows(place: Place, results: Sequence[Result]) -> list[dict[str, Any]]:
    """The rows of a window, as `window` reads them back."""
    of_window = {
        BY: place.name,
        "source": place.source,
        "begins": place.begins,
        "ends": place.ends,
        "rows": place.rows,
        "first_sequence": place.first or 0,
        "model_version": place.version,
        "model_sha256": place.sha256,
    }
    return [of_window | _values(each) for each in results]


def _values(one: Result) -> dict[str, Any]:
    return {
        "area": one.area,
        "monitor": one.monitor,
        "subject": one.subject,
        "value": _finite(one.value),
        "threshold": _finite(one.threshold),
        "state": one.state,
        "reason": one.reason,
        "facts": dict(one.facts),
    }


def _batch(place: Place, results: Sequence[Result], now: datetime) -> pa.RecordBatch:
    import pyarrow as pa

    looked = now.isoformat(timespec="seconds")
    rows = [row | {"facts": _json(row["facts"]), "looked": looked} for row in as_rows(place, results)]
    numbers = {"value": pa.float64(), "threshold": pa.float64(), "rows": pa.int64(), "first_sequence": pa.int64()}
    return pa.RecordBatch.from_pydict(
        {key: pa.array([row[key] for row in rows], numbers.get(key, pa.string())) for key in rows[0]}
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), default=float)
