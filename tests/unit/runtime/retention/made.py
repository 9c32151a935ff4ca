"""An environment of one use case with runs, versions, tables and predictions, as its folders hold them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from aifactory_runtime.capture.log_file import LogFile
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.data import table_writing, tables
from aifactory_runtime.events import record
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.registry.port import PREFIX, Registry, Version

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
COMMIT = "c" * 40


def contract(place: Path, **asked: Any) -> EnvironmentContract:
    """Its contract; `asked` stands over what is usual."""
    home = place / "home"
    folders = {f"{key}_uri": str(home / "dev" / "demo-case" / key) for key in _FOLDERS}
    values = {"use_case": "demo-case", "environment": "dev", "identity": "release", "data_source": "data.csv"}
    values |= {"experiment": "dev/demo-case", "model_name": "demo-case.dev", "snapshot_uri": str(home / "snapshots")}
    return EnvironmentContract.model_validate(values | folders | asked)


_FOLDERS = ("tracking", "registry", "data", "artifact", "capture", "release", "audit", "events", "logs")


@dataclass
class Memory:
    """A registry's versions and aliases."""

    known: dict[int, Version] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)

    def add(self, number: int, run: str, handoff: Handoff | None = None, **more: str) -> Version:
        named = {f"{PREFIX}data.{name}": found.tag for name, found in (handoff.tables if handoff else {}).items()}
        tags = {f"{PREFIX}{key}": value for key, value in {"pipeline_run": run, "commit": COMMIT, **more}.items()}
        self.known[number] = Version(number, f"{number:064x}", f"mlflow-{run}", {**named, **tags})
        return self.known[number]

    def tag(self, number: int, **more: str) -> None:
        found = self.known[number]
        tags = {f"{PREFIX}{key}": value for key, value in more.items()}
        self.known[number] = replace(found, tags={**found.tags, **tags})

    def versions(self) -> list[Version]:
        return [self.known[number] for number in sorted(self.known)]

    def version(self, number: int) -> Version:
        return self.known[number]

    def by_alias(self, alias: str) -> Version | None:
        return self.known[self.aliases[alias]] if alias in self.aliases else None

    def open(self) -> Registry:
        return cast("Registry", self)


def run_id(number: int) -> str:
    """Ids that sort by their number."""
    return f"20260101-{number:06d}-abcdef"


def run(here: EnvironmentContract, number: int, rows: int = 5) -> Handoff:
    """A pipeline run that wrote a version of raw and of prepared, and froze the reference if there was none."""
    data = Path(here.data_uri)
    batch = pa.RecordBatch.from_pydict({"a": [number] * rows})
    written = {name: table_writing.write(data, name, [batch], f"{name} {number}") for name in ("raw", "prepared")}
    frozen = tables.latest(data, "reference") or table_writing.write(data, "reference", [batch], "reference")
    handoff = Handoff(
        id=run_id(number),
        kind="experiment",
        commit=COMMIT,
        dirty=False,
        code_sha256="d" * 64,
        lock_sha256="e" * 64,
        tables={**written, "reference": frozen},
        mlflow_run=f"mlflow-{number}",
    )
    handoffs.save(Path(here.artifact_uri), handoff)
    (handoffs.folder(Path(here.artifact_uri), handoff.id) / "model.bin").write_bytes(b"x" * 1000)
    return handoff


def prediction_id(moment: datetime, number: int) -> str:
    """A UUID of version 7."""
    digits = f"{int(moment.timestamp() * 1000):012x}7000a{number:015x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def predict(here: EnvironmentContract, day: date, version: int = 1, number: int = 0) -> str:
    """One prediction at noon of a day; its id."""
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    made = prediction_id(moment, number)
    values = {"id": made, "time": moment.isoformat(timespec="milliseconds"), "model_version": str(version)}
    values |= {"model_sha256": f"{version:064x}", "commit": COMMIT, "role": "champion"}
    log = LogFile(Path(here.capture_uri))
    log.append([json.dumps({**values, "inputs": {"age": 1}, "output": {"prediction": 1}}).encode()[:-1]])
    log.close()
    return made


def scored(here: EnvironmentContract, day: date, prefix: str, version: int = 1) -> str:
    """A batch of two rows; the id of the first."""
    ids = [f"{prefix}{row:016x}" for row in range(2)]
    rows: Mapping[str, Iterable[object]] = {
        "prediction_id": ids,
        "scored_at": [f"{day.isoformat()}T12:00:00.000+00:00"] * 2,
        "model_version": [version] * 2,
        "model_sha256": [f"{version:064x}"] * 2,
        "prediction": [0, 1],
    }
    batch = pa.RecordBatch.from_pydict({name: pa.array(values) for name, values in rows.items()})
    table_writing.append(
        Path(here.data_uri), tables.SCORED, [batch], {"input_sha256": prefix, "model_version": str(version)}
    )
    return ids[0]


def days_ago(days: int) -> date:
    return (NOW - timedelta(days=days)).date()


def problem(here: EnvironmentContract, days: int, subject: str = "") -> None:
    """A quota was found used up so many days ago."""
    record.found(Path(here.events_uri), "quota_used_up", {}, subject, now=NOW - timedelta(days=days))


def release_code(
    here: EnvironmentContract, commit: str, lock: str, *, environment: str = "dev", days: int = 30
) -> Path:
    """Released code with its environment, claimed by an environment that used it so many days ago."""
    root = Path(here.snapshot_uri)
    place, built = root / here.use_case / commit, root / "envs" / lock
    (place / "src").mkdir(parents=True, exist_ok=True)
    built.mkdir(parents=True, exist_ok=True)
    (built / "pyvenv.cfg").touch()
    if not (place / ".venv").is_symlink():
        (place / ".venv").symlink_to(built)
    claim = root / here.use_case / "claims" / commit / environment
    claim.parent.mkdir(parents=True, exist_ok=True)
    claim.touch()
    os.utime(claim, (0, NOW.timestamp() - 86_400 * days))
    return place


def content(folder: Path) -> dict[str, int]:
    """Every file below a folder with its size."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()}
