"""Labels from a table: which columns say what, what each row says, and what adding them would do."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aifactory_runtime.capture import redaction
from aifactory_runtime.capture.log_file import NotRecorded
from aifactory_runtime.contract.kpi import KPI
from aifactory_runtime.contract.recording import treatment
from aifactory_runtime.data import arrow_frames, conform, declared, source
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.labels import line as labels
from aifactory_runtime.labels import overview, rules, stored
from aifactory_runtime.labels.line import Line, key_text
from aifactory_runtime.labels.rules import State

if TYPE_CHECKING:
    import pandas as pd

    from aifactory_runtime.config.project import Project

LABEL = "label"
"""What the column of labels may be called in place of the target's name."""
_CHUNK = 1_000
_BESIDE = {"prediction_id": "text", "time": "date", KPI: "number", "replaces": "text"}


@dataclass(frozen=True)
class Planned:
    """What a table says: labels that are not recorded yet, what every row is, and how many rows have no label."""

    lines: tuple[Line, ...]
    states: tuple[State, ...]
    without: int

    @property
    def rows(self) -> int:
        """Rows with a label."""
        return len(self.states)


def plan(project: Project, path: str) -> Planned:
    """Read a table; FactoryError names a column that is missing or does not fit, and then nothing is added.

    A row that says again what a recorded label, or an earlier row, says is `doubled` and not among `lines`.
    """
    contract, settings = project.environment.contract, project.manifest.labels
    frames = list(_frames(project, path))
    found = [line for frame in frames for line in _lines(project, frame)]
    there = stored.lines(contract)
    said, fresh = {_says(line) for line in there}, []
    for line in found:
        if _says(line) not in said:
            said.add(_says(line))
            fresh.append(line)
    first = len(there) and there[-1].sequence + 1
    numbered = [msgspec.structs.replace(line, sequence=first + place) for place, line in enumerate(fresh)]
    states = overview.states(contract, settings, [*there, *numbered])[len(there) :]
    doubled: list[State] = ["doubled"] * (len(found) - len(fresh))
    return Planned(tuple(fresh), (*states, *doubled), sum(map(len, frames)) - len(found))


def add(project: Project, planned: Planned) -> None:
    """Record the labels of a plan; killed anywhere, the same table is added again and goes on."""
    log = labels.log(Path(project.environment.contract.capture_uri))
    try:
        for start in range(0, len(planned.lines), _CHUNK):
            log.append([labels.encoded(line) for line in planned.lines[start : start + _CHUNK]])
    except NotRecorded as error:
        raise FactoryError(f"the labels could not be recorded ({error}): make room, then add the table again") from None
    finally:
        log.close()


def _says(line: Line) -> tuple[Any, ...]:
    oldest = line.keys[-1] if line.keys else None  # the same before and after a rotation
    return (line.prediction_id, oldest, line.text, line.kpi, line.replaces)


def _frames(project: Project, path: str) -> Iterator[pd.DataFrame]:
    """The columns that say something, each of its kind; the label is called `LABEL`."""
    import pyarrow as pa

    located = source.locate(project.root, path)
    read = source.detect(located)
    names_there = next(iter(source.batches(located, read))).schema.names
    kinds = _kinds(project, located.name, names_there)
    schema = conform.row_wise(project.science.schema()).select_columns([project.science.target()])
    for batch in source.batches(located, read, kinds, without=set(names_there) - set(kinds)):
        frame = arrow_frames.to_frame(pa.Table.from_batches([batch]))
        frame = frame.rename(columns={LABEL: project.science.target(), project.manifest.kpi_field: KPI})
        target = frame[project.science.target()]
        conform.conform(frame[[project.science.target()]][target.notna()].reset_index(drop=True), schema)
        yield frame.rename(columns={project.science.target(): LABEL})


def _kinds(project: Project, name: str, there: Sequence[str]) -> dict[str, str]:
    """The columns of the table that say something, with their kinds."""
    of_schema, target, key = declared.kinds(project.science.schema()), project.science.target(), _key(project)
    label = next((one for one in (LABEL, target) if one in there), None)
    if label is None:
        raise FactoryError(f"{name} has no column {target} or {LABEL}: name the column of labels so")
    by = ["prediction_id", *([key] if key else [])]
    if not set(by) & set(there):
        hint = "" if key else "; labels.key of factory.yaml names a column of the inputs to find predictions by"
        raise FactoryError(f"{name} has no column {' or '.join(by)}, so nobody knows what its labels are of{hint}")
    found = {label: of_schema[target]}
    beside = {project.manifest.kpi_field if one == KPI else one: kind for one, kind in _BESIDE.items()}
    found |= {one: kind for one, kind in beside.items() if one in there}
    if key in there and key is not None:
        found[key] = of_schema.get(key, "text")
    return found


def _key(project: Project) -> str | None:
    """The key column; UsageProblem where its values are not recorded, so that nothing can be found by them."""
    key = project.manifest.labels.key
    if key is not None and treatment(project.environment.contract.capture_columns, key) == "drop":
        raise UsageProblem(f"labels.key: {key} is not recorded here (capture_columns: drop): hash it, or add by id")
    return key


def _lines(project: Project, frame: pd.DataFrame) -> Iterator[Line]:
    """A label of each row that has one."""
    by = project.environment.contract.login
    now = rules.stamp(datetime.now(UTC))
    key, hashed = _key(project), _hash(project)
    regression = project.manifest.problem == "regression"
    for row in frame.astype(object).where(frame.notna(), None).to_dict("records"):
        if row[LABEL] is None:
            continue
        value = _plain(row[LABEL])
        of = key_text(_plain(row.get(key))) if key and not row.get("prediction_id") else None
        at = row.get("time")
        made = Line(
            id=str(uuid.uuid4()),
            time=now,
            by=by,
            label=msgspec.Raw(msgspec.json.encode(float(value) if regression else value)),
            prediction_id=row.get("prediction_id"),
            key=of,
            at=None if at is None else rules.stamp(at.to_pydatetime().replace(tzinfo=UTC)),
            kpi=row.get(KPI),
            replaces=row.get("replaces"),
        )
        yield made if of is None or hashed is None else labels.by_hashes(made, hashed(of))


def _hash(project: Project) -> Callable[[str], Sequence[str]] | None:
    """What makes of a key the hashes that are recorded of it; None where it is recorded as it is."""
    contract, key = project.environment.contract, project.manifest.labels.key
    if key is None or treatment(contract.capture_columns, key) != "hash":
        return None
    return redaction.of(contract).every_hash


def _plain(value: Any) -> Any:
    """A value of a frame as Python has it."""
    return value.item() if hasattr(value, "item") else value
