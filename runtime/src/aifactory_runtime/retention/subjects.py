"""Finds what a person names to keep: what is not there, or was removed, cannot be kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from aifactory_runtime.capture import find
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.data import removals, tables
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.registry.port import Registry
from aifactory_runtime.retention import known
from aifactory_runtime.storage.place import Place


@dataclass(frozen=True)
class Subject:
    """Something that is kept: kind and name as the audit log has them."""

    kind: str
    name: str


def subject(contract: EnvironmentContract, kind: str, name: str, registry: Callable[[], Registry]) -> Subject:
    """What `name` means; a prediction is kept by its day. UsageProblem, or when it was removed, FactoryError."""
    if kind == "prediction":
        return Subject("day", _day_of(Path(contract.data_uri), Path(contract.capture_uri), name).isoformat())
    if kind == "day":
        return Subject(kind, _day(Path(contract.data_uri), name))
    if kind == "version":
        if not (name.isascii() and name.isdigit()):
            raise UsageProblem(f"{name!r} is no version: write its number, as keep version 7")
        return Subject(kind, str(registry().version(int(name)).number))
    return Subject(kind, handoffs.find(Path(contract.artifact_uri), Path(contract.data_uri), name).id)


def _day(data: Place, name: str) -> str:
    try:
        day = date.fromisoformat(name).isoformat()
    except ValueError:
        raise UsageProblem(f"{name!r} is no day: write it as 2027-01-31") from None
    if removal := removals.find(data, tables.CAPTURED, day):
        raise FactoryError(f"the day {day} {removal.when}")
    return day


def _day_of(data: Place, capture: Path, prediction_id: str) -> date:
    if line := find.find(capture, data, prediction_id):
        return date.fromisoformat(line["time"][:10])
    for batch in known.batches(data):
        if batch.name == tables.batch_of(prediction_id):
            return batch.day
    if removal := find.removed(data, prediction_id):
        raise FactoryError(f"prediction {prediction_id[:64]!r}: what was recorded with it {removal.when}")
    raise UsageProblem(f"no prediction {prediction_id[:64]!r} is recorded here: check id and --env")
