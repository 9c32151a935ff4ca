"""Labelled predictions as rows of the raw table: which ones, as batches of its columns, and what was left out."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

import msgspec

from aifactory_runtime.audit import reads
from aifactory_runtime.config import environment
from aifactory_runtime.data.columns import to_date
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.labels import overview, rules, stored
from aifactory_runtime.labels.joined import JOINED, joined_with
from aifactory_runtime.labels.rules import State

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from aifactory_runtime.config.project import Project
    from aifactory_runtime.contract import EnvironmentContract

_PROD = "prod"
_ROWS = 10_000
_MAY_LEAVE = frozenset({"public", "internal"})
"""Classifications whose rows may be read in another environment than that where they were sent."""
_log = logging.getLogger(__name__)


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A prediction whose label counts; `redacted` are columns of which it has no value as it came."""

    prediction_id: str
    time: str
    label: Any
    inputs: dict[str, Any]
    redacted: frozenset[str]


@dataclass(frozen=True)
class Added:
    """The labelled predictions that one ingest adds, in the order in which they are rows; they are read once.

    Those whose columns were recorded as they came and which have every column that may not be missing. They wait in a
    file that nobody else sees, and that goes with this.
    """

    project: Project
    contract: EnvironmentContract
    upto: int
    """Sequence of the newest label that was looked at."""
    times: Sequence[str]
    """When each of them was made."""
    digest: str | None
    """SHA-256 of which rows with which labels, the same whenever they are read; None when there are none."""
    waiting: IO[bytes]

    def after(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches of the data source, then these rows in the same columns; what they lack is missing."""
        schema: pa.Schema | None = None
        for batch in batches:
            schema = batch.schema
            yield batch
        if schema is not None:
            yield from self.batches(schema)

    def batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """These rows in the columns of a data source; what they lack is missing."""
        self.waiting.seek(0)
        lines = map(msgspec.json.Decoder(Row).decode, self.waiting)
        while rows := list(islice(lines, _ROWS)):
            yield self._batch(rows, schema)

    def _batch(self, rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
        import pyarrow as pa

        target, time = self.project.science.target(), self.project.science.time()
        columns = []
        for field in schema:
            values = [row.label if field.name == target else _value(row, field.name, time) for row in rows]
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
    _refuse_unsent(project)
    facts = {"from": contract.environment, "classification": project.manifest.data_classification}
    reads.note(own, own.login, "data.add_captured", facts)
    return _read(project, contract)


def _read(project: Project, contract: EnvironmentContract) -> Added:
    """Labels and predictions are each read once; predictions once more where labels name them by key."""
    settings, now = project.manifest.labels, datetime.now(UTC)
    lines = stored.lines(contract)
    labels, astray = rules.by_prediction(lines, stored.calls_of(contract, settings, lines))
    made, needed, time = overview.Made(labels), _needed(project), project.science.time()
    left_out, total, times = Counter[str](), hashlib.sha256(), []
    waiting = tempfile.TemporaryFile(prefix="aifactory-captured-")  # noqa: SIM115 - open as long as the rows are wanted
    for frame in joined_with(contract, settings, labels, now=now):
        made.see(frame)
        for row in _labelled(frame):
            if why := _why_not(row, needed, time):
                left_out[why] += 1
                continue
            waiting.write(msgspec.json.encode(row) + b"\n")
            total.update(msgspec.json.encode([row.prediction_id, row.label]))
            times.append(row.time)
    states = Counter(overview.states_of(contract, settings, labels, made, now).values())
    states["unknown"] += len(astray)
    _tell(contract, len(times), states, left_out)
    upto = max((line.sequence for line in lines), default=0)
    return Added(project, contract, upto, times, total.hexdigest() if times else None, waiting)


def _labelled(frame: pd.DataFrame) -> Iterator[Row]:
    counting: Any = frame[frame["state"] == JOINED]
    for row in counting.itertuples(index=False):
        inputs = msgspec.json.decode(row.inputs, type=dict[str, Any])
        redacted = frozenset(msgspec.json.decode(row.redacted, type=dict[str, str]) if row.redacted else ())
        yield Row(row.prediction_id, row.time, msgspec.json.decode(row.label), inputs, redacted)


def _why_not(row: Row, needed: Sequence[str], time: str | None) -> str | None:
    """Why a labelled prediction is left out; None when it is added."""
    if hidden := sorted(row.redacted & set(needed)):
        return f"{', '.join(hidden)} not recorded as it came"
    if missing := [name for name in needed if name not in row.inputs and name != time]:
        return f"no {', '.join(missing)}, which schema.py wants"
    return None


def _of_prod(project: Project) -> EnvironmentContract:
    """Prod's contract, of data that may leave it."""
    classification = project.manifest.data_classification
    if classification not in _MAY_LEAVE:
        raise UsageProblem(
            f"data.add_captured_from_prod: rows of prod stay there, as data are {classification}: train in prod "
            "(train_in: prod) with data.add_captured"
        )
    return environment.resolve(project.root, project.manifest, environment=_PROD).contract


def _refuse_unsent(project: Project) -> None:
    """Ignored columns that may not be missing: no request brings them, so every row would be left out."""
    schema, science = project.science.schema(), project.science
    strict = [name for name in science.ignored() if not schema.columns[name].nullable and name != science.time()]
    if strict:
        raise FactoryError(
            f"data.add_captured: requests bring no {', '.join(strict)}, which schema.py ignores and does not let be "
            "missing: write nullable=True there, or take add_captured out"
        )


def _tell(contract: EnvironmentContract, rows: int, states: Counter[State], left_out: Mapping[str, int]) -> None:
    """How many rows are added, and of every label and row that is not, why."""
    _log.warning("note: %s labelled predictions of %s are added to the rows", rows, contract.environment)
    others = [f"{states[state]} {state}" for state in overview.STATES if states[state] and state != "joined"]
    if others:
        _log.warning("note: other labels add nothing: %s (labels status says more)", ", ".join(others))
    for why, number in left_out.items():
        _log.warning("note: %s labelled predictions are left out: %s", number, why)


def _needed(project: Project) -> list[str]:
    """Columns that a row may not lack: the inputs of a model, and whatever schema.py does not let be missing."""
    science, target = project.science, project.science.target()
    columns = science.schema().columns.items()
    return [str(name) for name, column in columns if name != target and _is_needed(str(name), column, science)]


def _is_needed(name: str, column: Any, science: Any) -> bool:
    return name not in science.ignored() or not column.nullable


def _value(row: Row, name: str, time: str | None) -> Any:
    """What a row has in a column; a column of time that no model sees is when the prediction was made."""
    if name in row.redacted:
        return None
    return row.inputs.get(name, row.time if name == time else None)
