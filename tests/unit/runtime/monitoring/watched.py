"""An environment whose service has recorded predictions: its log, its champion, and the monitors that look at both."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import numpy as np
import pyarrow as pa

from aifactory_runtime.capture.log_file import LogFile
from aifactory_runtime.config.settings import GateSettings, MonitoringSettings
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.contract.kpi import Kpi
from aifactory_runtime.contract.manifest import Labels, Monitors
from aifactory_runtime.data import tables
from aifactory_runtime.events import record
from aifactory_runtime.events.problems import Problem
from aifactory_runtime.labels import line
from aifactory_runtime.labels.line import Line
from aifactory_runtime.labels.rules import stamp
from aifactory_runtime.monitoring import profile, run, store
from aifactory_runtime.monitoring.run import Report
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.model_folder import Column, InputSchema
from aifactory_runtime.serving.document import Document, Served, ServingFolder
from tests.unit.runtime.capture.lines import prediction_id

START = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
SIZE = 100
LABEL_ROWS = 300
SHA256 = "a" * 64
SCHEMA = InputSchema(
    target="churned",
    columns=(
        Column("age", "integer"),
        Column("income", "number", nullable=True),
        Column("region", "category", categories=("east", "north", "west")),
        Column("since", "date", nullable=True),
        Column("member", "boolean"),
    ),
    features=("age",),
    classes=(0, 1),
)
Row = dict[str, Any]
Change = Callable[[Row], Row]


def rows(seed: int, count: int, change: Change = lambda row: row) -> list[Row]:
    """Inputs like those of training, then changed."""
    draw = np.random.default_rng(seed)
    made = [
        {
            "age": int(draw.integers(18, 90)),
            "income": float(draw.lognormal(8, 1)),
            "region": str(draw.choice(["east", "north", "west"], p=[0.5, 0.3, 0.2])),
            "since": (START - timedelta(days=int(draw.integers(0, 900)))).date().isoformat(),
            "member": bool(draw.random() < 0.4),
        }
        for _ in range(count)
    ]
    return [change(row) for row in made]


class Watched:
    """The environment in a folder; time goes on when it is told to."""

    def __init__(self, folder: Path, *, with_profile: bool = True, size: int = SIZE, **settings: Any) -> None:
        self.folder, self.now, self.predicted = folder, START, 0
        names = ("data", "artifact", "capture", "release", "audit", "events", "logs", "snapshot")
        values: dict[str, Any] = {f"{name}_uri": str(folder / name) for name in names}
        values |= {
            "use_case": "demo-case",
            "environment": "prod",
            "identity": "release",
            "data_source": "customers.csv",
        }
        values |= {"tracking_uri": "sqlite://", "registry_uri": "sqlite://"}
        values |= {"experiment": "prod/demo-case", "model_name": "demo-case.prod"}
        self.contract = EnvironmentContract.model_validate(values)
        self.settings = MonitoringSettings(window_rows=size, label_rows=LABEL_ROWS, **settings)
        self.gate = GateSettings()
        self.labels, self.kpi, self.science = Labels(), cast("Kpi | None", None), cast("Any", None)
        self.release(SHA256, with_profile=with_profile)
        self.data, self.events = folder / "data", folder / "events"

    def release(self, sha256: str, *, with_profile: bool = True) -> None:
        serving = ServingFolder(self.folder / "release")
        place = serving.models / sha256
        place.mkdir(parents=True)
        model_folder.write_schema(place, SCHEMA, profile.to_values(trained()) if with_profile else None)
        served = Served("3", sha256, str(place), "c" * 40, "d" * 64)
        serving.write(Document(serving.next_sequence(), served))

    def predict(self, inputs: Sequence[Row], sha256: str = SHA256, role: str = "champion", **more: Any) -> list[str]:
        """Record predictions of these rows, one after another in time; the answer follows from the age. Their ids."""
        writer, lines, ids = LogFile(self.folder / "capture", 40_000), [], []
        for row in inputs:
            self.now += timedelta(seconds=1)
            self.predicted += 1
            ids.append(prediction_id(self.predicted, self.now))
            values = {
                "id": ids[-1],
                "time": self.now.isoformat(timespec="milliseconds"),
                "model_version": "3",
                "model_sha256": sha256,
                "commit": "b" * 40,
                "role": role,
                "inputs": row,
                "output": answer(row),
                **more,
            }
            lines.append(json.dumps(values).encode()[:-1])
        for start in range(0, len(lines), 50):
            writer.append(lines[start : start + 50])
        writer.close()
        return ids

    def label(self, ids: Sequence[str], values: Sequence[Any], kpi: Sequence[float] | None = None) -> None:
        """Send what came true of these predictions, now."""
        log = line.log(self.folder / "capture")
        given: Sequence[float | None] = kpi or [None] * len(ids)
        sent = [
            Line(str(uuid.uuid4()), stamp(self.now), "ana", msgspec.Raw(msgspec.json.encode(value)), identity, kpi=one)
            for identity, value, one in zip(ids, values, given, strict=True)
        ]
        log.append([line.encoded(one) for one in sent])
        log.close()

    def look(self) -> Report:
        """What `monitor` does."""
        project: Any = SimpleNamespace(
            environment=SimpleNamespace(contract=self.contract),
            settings=SimpleNamespace(monitoring=self.settings, gate=self.gate),
            manifest=SimpleNamespace(
                monitors=OWNERS,
                settings=lambda _: SimpleNamespace(budget_month=10.0),
                labels=self.labels,
                kpi=self.kpi,
                problem="classification",
            ),
            science=self.science,
        )
        return run.monitor(project, self.now)

    def rows(self, **wanted: Any) -> list[dict[str, Any]]:
        """Rows of the table `monitors` with these values, in order."""
        if tables.latest(self.data, tables.MONITORS) is None:
            return []
        frame = tables.read(self.data, tables.MONITORS)
        found = [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]
        return [row for row in found if all(row[key] == value for key, value in wanted.items())]

    def windows(self, source: str = store.TRAFFIC) -> list[str]:
        """Windows in the order in which they were written, each as often as it was."""
        return [
            row["window"] for row in self.rows(source=source) if row["monitor"] in ("schema", "answers", "late_labels")
        ]

    def state(self, monitor: str, subject: str = "") -> str:
        """The state of a monitor in the last window that has it."""
        return str(self.rows(monitor=monitor, subject=subject)[-1]["state"])

    def open(self) -> dict[str, Problem]:
        """Open problems by key."""
        return {one.key: one for one in record.read(self.events).problems.open(self.now)}


OWNERS = Monitors.model_validate({"service": {"owner": "sam"}, "data": {"owner": "dana"}, "model": {"owner": "mia"}})


def answer(row: Row) -> dict[str, Any]:
    """What the model says of a row: it looks at the age alone, where there is one."""
    share = (row["age"] % 97) / 97 if isinstance(row.get("age"), int) else 0.5
    return {"prediction": int(share > 0.5), "probabilities": [1 - share, share]}


def trained(count: int = 5_000) -> dict[str, profile.ColumnProfile]:
    """The profile of training rows that are like the traffic."""
    from aifactory_runtime.monitoring import columns

    inputs = rows(0, count)
    seen = columns.of_inputs(inputs, SCHEMA)
    seen[columns.PREDICTION] = columns.of_outputs([answer(row) for row in inputs], SCHEMA.classes)
    return profile.of(seen)


def column(values: Sequence[Any], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    """Values as a column."""
    return pa.chunked_array([pa.array(values, kind)])


def older(row: Row) -> Row:
    """A row of somebody who is much older."""
    return row | {"age": min(130, row["age"] + 40)}
