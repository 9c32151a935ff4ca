"""Labelled predictions as rows of the raw table: which ones, as batches of its columns, and what was left out."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aifactory_runtime.audit import log
from aifactory_runtime.config import environment
from aifactory_runtime.data.columns import to_date
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.labels import overview, stored
from aifactory_runtime.labels.joined import JOINED, joined, last_sequence

if TYPE_CHECKING:
    import pyarrow as pa

    from aifactory_runtime.config.project import Project
    from aifactory_runtime.contract import EnvironmentContract

_PROD = "prod"
_ROWS = 10_000
_MAY_LEAVE = frozenset({"public", "internal"})
"""Classifications whose rows may be read in another environment than that where they were sent."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """A prediction whose label counts; `redacted` are columns of which it has no value as it came."""

    prediction_id: str
    time: str
    label: Any
    inputs: Mapping[str, Any]
    redacted: frozenset[str]


@dataclass(frozen=True)
class Added:
    """The labelled predictions that one ingest adds: the same whenever they are read, by label and by moment."""

    project: Project
    contract: EnvironmentContract
    upto: int
    now: datetime

    def rows(self) -> Iterator[Row]:
        """All whose columns were recorded as they came and which have every column that may not be missing."""
        needed = _needed(self.project)
        for row in self._labelled():
            if not (row.redacted & set(needed)) and all(_there(row, name, self._time) for name in needed):
                yield row

    def left_out(self) -> Counter[str]:
        """How many labelled predictions are left out, by why."""
        needed, found = _needed(self.project), Counter[str]()
        for row in self._labelled():
            if hidden := sorted(row.redacted & set(needed)):
                found[f"{', '.join(hidden)} not recorded as it came"] += 1
            elif missing := [name for name in needed if not _there(row, name, self._time)]:
                found[f"no {', '.join(missing)}, which schema.py wants"] += 1
        return found

    def digest(self) -> str | None:
        """SHA-256 of which rows with which labels; None when there are none."""
        total, empty = hashlib.sha256(), True
        for row in self.rows():
            total.update(msgspec.json.encode([row.prediction_id, row.label]))
            empty = False
        return None if empty else total.hexdigest()

    def after(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches of the data source, then these rows in the same columns; what they lack is missing."""
        schema: pa.Schema | None = None
        for batch in batches:
            schema = batch.schema
            yield batch
        if schema is None:
            return
        waiting: list[Row] = []
        for row in self.rows():
            waiting.append(row)
            if len(waiting) == _ROWS:
                yield self._batch(waiting, schema)
                waiting = []
        if waiting:
            yield self._batch(waiting, schema)

    @property
    def _time(self) -> str | None:
        return self.project.science.time()

    def _labelled(self) -> Iterator[Row]:
        settings = self.project.manifest.labels
        for frame in joined(self.contract, settings, now=self.now, upto=self.upto):
            counting: Any = frame[frame["state"] == JOINED]
            for row in counting.itertuples(index=False):
                inputs = msgspec.json.decode(row.inputs, type=dict[str, Any])
                redacted = frozenset(msgspec.json.decode(row.redacted, type=dict[str, str]) if row.redacted else ())
                yield Row(row.prediction_id, row.time, msgspec.json.decode(row.label), inputs, redacted)

    def _batch(self, rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
        import pyarrow as pa

        target = self.project.science.target()
        columns = []
        for field in schema:
            values = [row.label if field.name == target else _value(row, field.name, self._time) for row in rows]
            columns.append(_column(values, field))
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(values: list[Any], field: pa.Field) -> pa.Array:
    """Values as JSON has them in the type of a column."""
    import pyarrow as pa

    try:
        if pa.types.is_timestamp(field.type):
            return pa.array([to_date(value) for value in values], field.type)
        return pa.array(values, field.type)
    except (pa.ArrowException, ValueError, TypeError):
        raise FactoryError(
            f"data.add_captured: recorded values of {field.name} are not what schema.py wants by now: take "
            "add_captured out, or declare the column as it was"
        ) from None


def of(project: Project) -> Added | None:
    """What `data.add_captured` asks for; None when it asks for nothing, UsageProblem when it may not be had."""
    data, own = project.settings.data, project.environment.contract
    if not (data.add_captured or data.add_captured_from_prod):
        return None
    contract = own if not data.add_captured_from_prod or own.environment == _PROD else _of_prod(project)
    added = Added(project, contract, last_sequence(contract), datetime.now(UTC))
    _refuse_unsent(project)
    _tell(added)
    return added


def _of_prod(project: Project) -> EnvironmentContract:
    """Prod's contract, after the audit log says who reads its rows."""
    own, classification = project.environment.contract, project.manifest.data_classification
    if classification not in _MAY_LEAVE:
        raise UsageProblem(
            f"data.add_captured_from_prod: rows of prod stay there, as data are {classification}: train in prod "
            "(train_in: prod) with data.add_captured"
        )
    contract = environment.resolve(project.root, project.manifest, environment=_PROD).contract
    facts = {"from": _PROD, "classification": classification}
    log.append(Path(own.audit_uri), "captured rows read", own.login, facts)
    return contract


def _refuse_unsent(project: Project) -> None:
    """Ignored columns that may not be missing: no request brings them, so every row would be left out."""
    schema, science = project.science.schema(), project.science
    strict = [name for name in science.ignored() if not schema.columns[name].nullable and name != science.time()]
    if strict:
        raise FactoryError(
            f"data.add_captured: requests bring no {', '.join(strict)}, which schema.py ignores and does not let be "
            "missing: write nullable=True there, or take add_captured out"
        )


def _tell(added: Added) -> None:
    """How many rows are added, and of every label and row that is not, why."""
    lines = stored.lines(added.contract, upto=added.upto)
    states = overview.count(overview.states(added.contract, added.project.manifest.labels, lines, added.now))
    rows = sum(1 for _ in added.rows())
    _log.warning("note: %s labelled predictions of %s are added to the rows", rows, added.contract.environment)
    others = [f"{number} {state}" for state, number in states.items() if number and state != "joined"]
    if others:
        _log.warning("note: other labels add nothing: %s (labels status says more)", ", ".join(others))
    for why, number in added.left_out().items():
        _log.warning("note: %s labelled predictions are left out: %s", number, why)


def _needed(project: Project) -> list[str]:
    """Columns that a row may not lack: the inputs of a model, and whatever schema.py does not let be missing."""
    science, target = project.science, project.science.target()
    columns = science.schema().columns.items()
    return [str(name) for name, column in columns if name != target and _is_needed(str(name), column, science)]


def _is_needed(name: str, column: Any, science: Any) -> bool:
    return name not in science.ignored() or not column.nullable


def _there(row: Row, name: str, time: str | None) -> bool:
    return name in row.inputs or name == time


def _value(row: Row, name: str, time: str | None) -> Any:
    """What a row has in a column; a column of time that no model sees is when the prediction was made."""
    if name in row.redacted:
        return None
    return row.inputs.get(name, row.time if name == time else None)
