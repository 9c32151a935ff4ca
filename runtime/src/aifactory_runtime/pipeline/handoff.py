"""What the steps of one run hand each other: a small JSON file that each step adds its part to."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from aifactory_runtime import files
from aifactory_runtime.data import removals
from aifactory_runtime.data.tables import TableVersion
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.pipeline import run_folder
from aifactory_runtime.storage.place import Place

Kind = Literal["experiment", "retraining"]
NOTHING_GAINED = "nothing_gained"
"""In `gate` of a run: all that speaks against its candidate is that it is alike on the newest labelled rows."""
_FILE = "handoff.json"
_ID = re.compile(r"[0-9a-z-]{1,64}")


@dataclass(frozen=True)
class Handoff:
    """State of a run. Tables by name and version, files by their place under the run's folder; never frames."""

    id: str
    kind: Kind
    commit: str
    dirty: bool
    code_sha256: str
    lock_sha256: str
    science_sha256: str | None = None
    """None in runs from before there was one."""
    numeric: str | None = None
    """Numeric packages with their versions; None in runs from before they were kept apart."""
    operations: Mapping[str, str] = field(default_factory=dict)
    """Version and digest of the runtime, digest of the factory's lock; empty in runs from before they were recorded."""
    new_reference: bool = False
    """Whether the test rows of this run are frozen as a new reference."""
    made_up: bool = False
    """Whether the figures of this run are of made-up sample rows."""
    tables: Mapping[str, TableVersion] = field(default_factory=dict)
    captured: Mapping[str, Any] | None = None
    """Of the captured rows among those of `raw`: `environment`, `upto` (sequence of the newest label that may be among
    them) and `rows` (the last ones of the table; 0 where rows are drawn from all). None without any."""
    window: Mapping[str, Any] | None = None
    """The newest labelled rows: `source`, `rows`, `begins`, `ends`, or `why` there are none."""
    mlflow_run: str | None = None
    model_sha256: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What `make_model` was called with: those of the settings, or of the search's best trial."""
    converged: bool = True
    imported: str | None = None
    """Digest of the folder that the model was imported from; None when it was trained here."""
    notes: Sequence[str] = ()
    """What a person should know of the run's table and columns, for the gate's report."""
    gate: Mapping[str, Any] | None = None
    version: int | None = None
    request: str | None = None
    """The request to train again that it runs for; None when somebody typed the command."""
    error: str | None = None
    """The line that a failed run ended with; None while it runs, when it was killed, when it went well."""

    lost_at: str | None = None
    """The step at which the cluster went away: the same command goes on there. None otherwise."""

    @property
    def gains_nothing(self) -> bool:
        """Whether the candidate was refused as it is like the champion, and for nothing else."""
        return self.gate is not None and self.gate.get(NOTHING_GAINED) is True

    @property
    def refused(self) -> tuple[str, ...] | None:
        """Why the gate refused the candidate, as it said; None where it did not, or has not judged."""
        if self.gate is None or self.gate.get("passed", True):
            return None
        return tuple(str(one) for one in self.gate.get("reasons", ()))

    def table(self, name: str, step: str) -> TableVersion:
        """The version of a table that this run uses; UsageProblem when `step`, which writes it, has not run."""
        if name not in self.tables:
            raise UsageProblem(f"run {self.id} has no table {name} yet: run {step} first")
        return self.tables[name]


def new_id() -> str:
    """An id that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"


def is_id(name: str) -> bool:
    """Whether a run can be called so."""
    return _ID.fullmatch(name) is not None


def folder(artifacts: Place, run: str) -> Path:
    """Folder of a run, or this machine's copy of it; UsageProblem when `run` cannot be an id."""
    if not is_id(run):
        raise _no_id(run)
    return run_folder.of(artifacts, run)


def _no_id(run: str) -> UsageProblem:
    return UsageProblem(f"--run {run!r} is not the id of a run; ingest prints one")


def save(artifacts: Place, handoff: Handoff) -> None:
    """Write the handoff, whole or not at all; in a store what the run changed of its files goes before it."""
    files.write(folder(artifacts, handoff.id) / _FILE, json.dumps(asdict(handoff), indent=2, allow_nan=False))
    run_folder.send(artifacts, handoff.id, _FILE)


def load(artifacts: Place, run: str) -> Handoff:
    """The handoff of a run; UsageProblem when there is none."""
    if not is_id(run):
        raise _no_id(run)
    path = artifacts / "runs" / run / _FILE
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UsageProblem(f"there is no run {run} in this environment: run ingest, it prints the id") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageProblem(f"{path} is not a handoff: start again with ingest") from None


def find(artifacts: Place, data: Place, run: str) -> Handoff:
    """As `load`; FactoryError says of a run that was removed when that was, and by which rule."""
    try:
        return load(artifacts, run)
    except UsageProblem:
        if removal := removals.find(data, removals.RUN, run):
            raise FactoryError(f"run {run} {removal.when}") from None
        raise


def parse(text: str) -> Handoff:
    """The handoff that `text`, JSON, holds; ValueError, KeyError or TypeError when it is none."""
    values = files.parse_json(text)
    tables = {name: TableVersion(**found) for name, found in values["tables"].items()}
    known = {field.name: values[field.name] for field in fields(Handoff) if field.name in values}
    return Handoff(**{**known, "tables": tables, "notes": tuple(values.get("notes", ()))})
