"""Labelled predictions of the champion, read where they are: those that no window has had, in order of request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from aifactory_runtime.capture import prediction_ids, predictions
from aifactory_runtime.capture.reading import EVER, Span
from aifactory_runtime.data import arrow_frames
from aifactory_runtime.gate.chance import Answers
from aifactory_runtime.labels import joined, rules, stored
from aifactory_runtime.monitoring import columns
from aifactory_runtime.monitoring.model_rules import Labelled
from aifactory_runtime.monitoring.windows import CHAMPION

if TYPE_CHECKING:
    import pandas as pd

    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.contract.kpi import Says
    from aifactory_runtime.contract.manifest import Labels
    from aifactory_runtime.gate.cuts import Cut
    from aifactory_runtime.registry.model_folder import InputSchema

_ROLES = (CHAMPION, predictions.BATCH)
_CLOCK_JUMP = timedelta(days=1)
_OBJECT = msgspec.json.Decoder(dict[str, Any])
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Point:
    """The prediction that the last window ended with, and the newest label of that time. A label after it is late."""

    time: str = ""
    id: str = ""
    label: int = 0
    open: int = 0
    """Labels of before that no window had: of later predictions, or of none that counts."""


@dataclass(frozen=True)
class Wanted:
    """Whose rows are read, and what of them."""

    sha256: str
    schema: InputSchema
    positive: Any = None
    cuts: tuple[Cut, ...] = ()
    groups: tuple[Cut, ...] = ()
    """Of the protected columns."""
    kpi: Says | None = None
    """None takes the number that labels bring."""


@dataclass(frozen=True)
class Rows:
    """Labelled rows behind a point, in order of request, with time, id and version of each."""

    places: tuple[tuple[str, str], ...]
    version: str
    labelled: Labelled


@dataclass(frozen=True)
class Come:
    """Labels that no window has had."""

    count: int
    """No fewer than the predictions that they are of."""
    newest: int
    """Sequence of the newest one; that of the point when there is none."""
    late: int
    """Those that name a prediction of the service from before the point: their window had closed."""


def come(contract: EnvironmentContract, after: Point) -> Come:
    """Count labels since `after`; predictions are not read for that."""
    begins = rules.stamp(datetime.fromisoformat(after.time) - _CLOCK_JUMP) if after.time else ""
    lines = [line for line in stored.lines(contract, Span(begins, EVER.ends)) if line.sequence > after.label]
    made = [prediction_ids.made_at(line.prediction_id) for line in lines if line.prediction_id is not None]
    late = sum(one is not None and rules.stamp(one) < after.time for one in made)
    return Come(after.open + len(lines) - late, max((line.sequence for line in lines), default=after.label), late)


def read(contract: EnvironmentContract, settings: Labels, wanted: Wanted, after: Point, now: datetime) -> Rows | None:
    """The rows behind `after` whose label counts; None when there is none. Held are answers and slices, no inputs."""
    ends = now - timedelta(seconds=settings.wait) + timedelta(milliseconds=1)
    begins = datetime.fromisoformat(after.time) if after.time else datetime.min.replace(tzinfo=now.tzinfo)
    if begins >= ends:
        return None
    window = joined.Window(begins, ends) if after.time else None
    parts, version = [], ""
    for frame in joined.joined(contract, settings, window, now=now):
        own = frame[(frame["model_sha256"] == wanted.sha256) & frame["role"].isin(_ROLES)]
        own = own[own["state"] == joined.JOINED]
        behind = [key > (after.time, after.id) for key in zip(own["time"], own["prediction_id"], strict=True)]
        own = own[behind].reset_index(drop=True)
        if len(own):
            parts.append(_part(own, wanted))
            version = str(own["model_version"].iloc[-1])
    return _in_order(parts, version, wanted) if parts else None


def windows(rows: Rows, size: int) -> Iterator[Rows]:
    """The full windows of so many rows; what fills none waits for the next time."""
    for start in range(0, len(rows.places) - size + 1, size):
        part = slice(start, start + size)
        yield Rows(rows.places[part], rows.version, rows.labelled.of(part))


@dataclass(frozen=True)
class _Part:
    places: list[tuple[str, str]]
    labels: list[Any]
    predicted: list[Any]
    shares: list[Any]
    slices: Mapping[str, Array]
    groups: Mapping[str, Array]
    kpi: list[float]


def _part(frame: pd.DataFrame, wanted: Wanted) -> _Part:
    inputs = [_OBJECT.decode(text) for text in frame["inputs"]]
    outputs = [_OBJECT.decode(text) for text in frame["output"]]
    labels = [msgspec.json.decode(text) for text in frame["label"]]
    hidden = {name for text in frame["redacted"].unique() if text for name in _OBJECT.decode(text)}
    says = wanted.kpi
    if says is None:
        found = frame["kpi"].to_numpy(dtype=np.float64, na_value=np.nan).tolist()
    else:
        found = [says(*row) for row in zip(inputs, outputs, labels, strict=True)]
    return _Part(
        list(zip(frame["time"], frame["prediction_id"], strict=True)),
        labels,
        [output[columns.PREDICTION] for output in outputs],
        [output.get("probabilities") for output in outputs],
        _slices(inputs, wanted.schema, wanted.cuts, hidden),
        _slices(inputs, wanted.schema, wanted.groups, hidden),
        found,
    )


def _slices(
    inputs: list[dict[str, Any]], schema: InputSchema, cuts: tuple[Cut, ...], hidden: set[str]
) -> dict[str, Array]:
    """The slice of each row, of columns that are recorded as they came."""
    import pyarrow as pa

    seen = {name: column for name, column in columns.of_inputs(inputs, schema).items() if name not in hidden}
    frame = arrow_frames.to_frame(pa.table({cut.column: seen[cut.column] for cut in cuts if cut.column in seen}))
    return {cut.column: cut.place(frame[cut.column]) for cut in cuts if cut.column in frame}


def _in_order(parts: list[_Part], version: str, wanted: Wanted) -> Rows:
    places = [place for part in parts for place in part.places]
    order = np.array(sorted(range(len(places)), key=places.__getitem__))
    classes = wanted.schema.classes

    def flat(take: Callable[[_Part], list[Any]], kind: Any = None) -> Array:
        return np.asarray(np.array([value for part in parts for value in take(part)], dtype=kind)[order])

    shares = flat(lambda part: part.shares, np.float64) if classes else None
    said = Answers(flat(lambda part: part.predicted), shares, classes, wanted.positive)

    def by_column(take: Callable[[_Part], Mapping[str, Array]]) -> dict[str, Array]:
        everywhere = set.intersection(*(set(take(part)) for part in parts))
        return {name: np.concatenate([take(part)[name] for part in parts])[order] for name in sorted(everywhere)}

    labelled = Labelled(
        flat(lambda part: part.labels),
        said,
        by_column(lambda part: part.slices),
        flat(lambda part: part.kpi, np.float64),
        by_column(lambda part: part.groups),
    )
    return Rows(tuple(places[number] for number in order), version, labelled)
