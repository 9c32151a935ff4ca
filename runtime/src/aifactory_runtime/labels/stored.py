"""Reads labels: from their log and the table that it is moved into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aifactory_runtime.capture import hashing, moving, predictions, reading
from aifactory_runtime.capture.moving import DAY
from aifactory_runtime.capture.predictions import Only
from aifactory_runtime.capture.reading import EVER, Span
from aifactory_runtime.data import tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.labels.compaction import LABELS
from aifactory_runtime.labels.line import Line, key_text

if TYPE_CHECKING:
    import pandas as pd

    from aifactory_runtime.contract import EnvironmentContract
    from aifactory_runtime.contract.manifest import Labels
    from aifactory_runtime.labels.rules import Calls

_LOOKS = 10
_SURE_DIGITS = 15
"""Whole numbers of more may come as 1e16."""


def lines(contract: EnvironmentContract, span: Span = EVER, upto: int | None = None) -> list[Line]:
    """Labels that were received in a span, in the order they were recorded; up to a sequence, where one is given."""
    found = reading.frames(Path(contract.capture_uri), Path(contract.data_uri), LABELS, span)
    read = [line for frame in found for line in _lines(frame)]
    return [line for line in read if upto is None or line.sequence <= upto]


def calls(contract: EnvironmentContract, rules: Labels, span: Span = EVER, only: str | None = None) -> Calls:
    """Predictions of a span by the value of the key column, or those of one value; none when no column is the key."""
    found: dict[str, list[tuple[str, str]]] = {}
    if rules.key is None:
        return found
    wanted = ("prediction_id", "time", "inputs")
    for frame in predictions.frames(contract, span, wanted, None if only is None else _only(rules.key, only)):
        for identity, time, inputs in zip(frame["prediction_id"], frame["time"], frame["inputs"], strict=True):
            key = key_text(_value(inputs, rules.key))
            if key is not None and only in (None, key):
                found.setdefault(key, []).append((time, identity))
    for of_key in found.values():
        of_key.sort()
    return found


def calls_of(contract: EnvironmentContract, rules: Labels, lines: Iterable[Line], span: Span = EVER) -> Calls:
    """As `calls`, for these labels: predictions are read only where one of them names its prediction by key."""
    return calls(contract, rules, span) if any(line.key is not None for line in lines) else {}


def _only(column: str, key: str) -> Only:
    """How predictions with a value of a column are found without decoding all others."""
    # A text stands in JSON as it is unless it is escaped; so does a whole number unless it is written with an exponent.
    is_plain = key.isascii() and key.isprintable() and not set(key) & set('"\\/')
    is_long_number = key.lstrip("-").isdecimal() and len(key) > _SURE_DIGITS
    return Only(column, lambda value: key_text(_bare(value)) == key, key if is_plain and not is_long_number else None)


def _bare(value: Any) -> Any:
    """A value of a frame as Python has it."""
    return value.item() if hasattr(value, "item") else value


def naming(contract: EnvironmentContract, prediction_id: str, key: str | None, since: str) -> list[Line]:
    """Labels that name a prediction by its id, or by the value of the key column, received since, in their order.

    The log is looked through before the table: what moves meanwhile is in the table by then.
    """
    capture = Path(contract.capture_uri)
    named = {"prediction_id": prediction_id} | ({} if key is None else {"key": key})
    found = {line.id: line for line in _in_log(capture, named)}
    for column, value in named.items():
        rows = tables.having(Path(contract.data_uri), tables.LABELS, (column, value), (DAY, since[:10].__le__))
        found |= {row["label_id"]: _line(row) for row in rows}
    if key is not None and hashing.version_of(key) is not None:
        older = tables.having(
            Path(contract.data_uri), tables.LABELS, ("older_keys", key), (DAY, since[:10].__le__), part=True
        )
        found |= {row["label_id"]: _line(row) for row in older}
    return sorted(found.values(), key=lambda line: line.sequence)


def _in_log(capture: Path, named: Mapping[str, str]) -> list[Line]:
    """Lines of the log in which a field has a value; what does not hold the value's bytes is not decoded."""
    marks = [msgspec.json.encode(value)[1:-1] for value in named.values()]  # one of several hashes has no quotes
    for _ in range(_LOOKS):
        found: list[Line] = []
        with suppress(FileNotFoundError):  # taken away since it was listed: what it held is in the table now
            for path in LABELS.segments(capture).all():
                with path.open("rb") as file:
                    whole = (raw for raw in file if raw.endswith(b"\n") and any(mark in raw for mark in marks))
                    found += moving.decoded(path, whole, LABELS)
            return [line for line in found if _names(line, named)]
    raise FactoryError(f"{capture} changes while it is read: run it again")


def _names(line: Line, named: Mapping[str, str]) -> bool:
    return line.prediction_id == named["prediction_id"] or named.get("key", "") in line.keys


def _value(inputs: str, column: str) -> Any:
    return msgspec.json.decode(inputs, type=dict[str, Any]).get(column)


def _lines(frame: pd.DataFrame) -> Iterator[Line]:
    for row in frame.astype(object).where(frame.notna(), None).to_dict("records"):
        yield _line(row)


def _line(row: Mapping[Any, Any]) -> Line:
    return Line(
        id=row["label_id"],
        time=row["time"],
        by=row["by"],
        label=msgspec.Raw(row["label"].encode()),
        prediction_id=row["prediction_id"],
        key=row["key"],
        at=row["at"],
        kpi=row["kpi"],
        replaces=row["replaces"],
        older_keys=row.get("older_keys"),
        sequence=int(row["sequence"]),
    )
