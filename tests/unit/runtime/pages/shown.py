"""An environment with a life behind it: predictions that drift, looks, problems, runs, versions, lines of the audit."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aifactory_runtime.audit import log as audit
from aifactory_runtime.config import project as projects
from aifactory_runtime.config.environment import Resolved
from aifactory_runtime.config.project import Project
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.events import kinds, record
from aifactory_runtime.monitoring import result, store
from aifactory_runtime.monitoring.result import ALARM, NO_DATA, Result
from aifactory_runtime.monitoring.store import CLOCK, LABELS, TRAFFIC, Place
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.registry.mlflow import connect
from aifactory_runtime.registry.port import CHAMPION
from aifactory_runtime.serving.document import Document, Served, ServingFolder
from tests.fixtures import mlflow_database, usecase_repo

NOW = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
WORSE = "roc_auc 0.801 is worse than the champion's 0.871"
ODD = "<b onclick='x()'>&"
"""Text that would be markup, were it not escaped."""


@dataclass(frozen=True)
class Shown:
    """The project against the environment."""

    project: Project

    @property
    def contract(self) -> EnvironmentContract:
        return self.project.environment.contract


def empty(folder: Path, **asked: Any) -> Shown:
    """An environment in which nothing has happened yet."""
    repo = usecase_repo.make_repo(folder / "repo")
    names = ("data", "artifact", "capture", "release", "audit", "events", "logs", "snapshot", "triggers")
    values: dict[str, Any] = {f"{name}_uri": str(folder / "home" / name) for name in names}
    mlflow_database.put(folder / "home" / "mlflow.db")
    database = f"sqlite:///{folder / 'home' / 'mlflow.db'}"
    values |= {"tracking_uri": database, "registry_uri": database, "data_source": "data/customers.csv"}
    values |= {"use_case": "demo-case", "environment": "prod", "identity": "release", "experiment": "prod/demo-case"}
    values |= {"model_name": "demo-case.prod", "endpoint_url": "http://127.0.0.1:1", "quota_disk_gb": 1.0}
    contract = EnvironmentContract.model_validate(values | {"quota_compute_hours": 2.0} | asked)
    found = projects.load(repo)
    return Shown(replace(found, environment=Resolved(contract, {})))


def lively(folder: Path) -> Shown:
    """Two versions, thirty looks, eight windows of which the last two drift, three problems, four runs."""
    shown = empty(folder, endpoint_callers_uri=str(folder / "home" / "callers"))
    _looks(shown.contract)
    _traffic(shown.contract)
    _labelled(shown.contract)
    _problems(shown.contract)
    _runs(shown.contract)
    _release(shown, folder)
    callers = folder / "home" / "callers"
    callers.mkdir()
    until = (NOW + timedelta(days=9)).isoformat()
    for login, roles, end in (("consumer", ["consumer"], None), ("otto.demo-case.prod", ["operator"], until)):
        said = {"login": login, "roles": roles, "accepts": [{"sha256": "f" * 64, "until": end}]}
        (callers / f"{login}.json").write_text(json.dumps(said))
    return shown


def _looks(contract: EnvironmentContract) -> None:
    for number in range(1, 31):
        ends = NOW - timedelta(hours=30 - number)
        errors = result.judged(Result("service", "errors"), 0.002 + 0.0008 * (number % 5), 0.01)
        if number == 22:
            errors = replace(errors, value=0.031, state=ALARM, reason="3.1% of 1,240 requests")
        found = [
            Result("service", "answers", value=1.0),
            Result("service", "requests", value=900.0 + 40 * (number % 7)),
            errors,
            Result("service", "refused", value=0.01),
            result.judged(Result("service", "latency"), 0.02 + 0.001 * number, 1.0),
            Result("service", "not_recorded", value=0.0, threshold=0.0),
            Result("service", "traffic", value=0.1),
            Result("model", "staleness", value=number / 24, threshold=30.0),
            Result("model", "figures", state=NO_DATA, reason="no label of these predictions is known"),
            result.judged(Result("cost", "disk"), 0.2 + 0.01 * number, 0.8),
            Result("cost", "budget", threshold=50.0, state=NO_DATA, reason="this machine sends no bill"),
        ]
        stamp = ends.isoformat(timespec="seconds")
        store.write(Path(contract.data_uri), Place(CLOCK, number, stamp, stamp), found, ends)


def _traffic(contract: EnvironmentContract) -> None:
    for number in range(1, 9):
        ends = NOW - timedelta(hours=3 * (8 - number))
        drifts = [
            result.judged(Result("data", "drift", name), size * (1 + number % 3 / 5), 0.08, "the distance is too large")
            for name, size in (("age", 0.14 if number > 6 else 0.03), ("income", 0.04), ("region", 0.02), (ODD, 0.01))
        ]
        found = [
            Result("data", "schema", value=0.0, threshold=0.0),
            *drifts,
            result.judged(Result("data", "prediction_drift", "(prediction)"), 0.02 * (number % 4), 0.09),
            *(result.judged(Result("data", "missing", name), 0.02, 0.09) for name in ("age", "income")),
        ]
        last = number * 1000
        place = Place(TRAFFIC, last, (ends - timedelta(hours=3)).isoformat(), ends.isoformat(), 1000, last - 999, "2")
        store.write(Path(contract.data_uri), place, found, ends)
    capture = Path(contract.capture_uri)
    capture.mkdir(parents=True)
    lines = [json.dumps({"id": str(number), "sequence": number}) + "\n" for number in range(8_120, 8_131)]
    (capture / "predictions-000000000008120.jsonl").write_text("".join(lines))


def _labelled(contract: EnvironmentContract) -> None:
    """Three windows, in the last of which the model is worse."""
    for number, figure in ((1, 0.89), (2, 0.88), (3, 0.83)):
        stamp = (NOW - timedelta(hours=9 * (4 - number))).isoformat(timespec="seconds")
        known = Result("model", "figures", value=figure, threshold=0.86)
        worse = replace(known, state=ALARM, reason="roc_auc is 0.83 on 500 labelled rows, 0.902 at the gate")
        found = [
            Result("model", "labels", value=500.0),
            worse if number == 3 else known,
            Result("model", "figures", "region = west", 0.88, 0.8),
            result.judged(Result("model", "calibration"), 0.02 * number, 0.09),
            Result("model", "kpi", "profit", 12.0 + number, 10.0),
        ]
        store.write(Path(contract.data_uri), Place(LABELS, number, stamp, stamp, 500, None, "2"), found, NOW)


def _problems(contract: EnvironmentContract) -> None:
    events = Path(contract.events_uri)
    for hours, kind, subject, facts in (
        (40, kinds.SERVICE_ERRORS, "", {"reason": "3.1% of 1,240 requests", "owner": "sam"}),
        (6, kinds.DRIFT, "age", {"reason": f"the distance is 0.168 {ODD}", "owner": "dana"}),
        (5, kinds.NOT_RECORDED, "", {"reason": "predictions of 3 requests could not be recorded"}),
        (3, kinds.DRIFT, "age", {"reason": f"the distance is 0.168 {ODD}", "owner": "dana"}),
    ):
        record.found(events, kind, facts, subject, now=NOW - timedelta(hours=hours))
    record.over(events, [kinds.SERVICE_ERRORS], {}, NOW - timedelta(hours=30))


def _runs(contract: EnvironmentContract) -> None:
    artifacts = Path(contract.artifact_uri)
    for day, figure, more in (
        (20, 0.871, {"version": 1}),
        (
            22,
            0.801,
            {"gate": {"passed": False, "reasons": [WORSE]}, "error": f"the gate refuses: {WORSE}"},
        ),
        (24, 0.0, {"error": f"the table has no column {ODD}"}),
        (26, 0.902, {"version": 2}),
    ):
        metrics = {"roc_auc": figure} if figure else {}
        run = f"202611{day}-090000-abc{day:03}"
        made = handoffs.Handoff(run, "retraining", "c" * 40, False, "a", "b", metrics=metrics, **more)
        handoffs.save(artifacts, made)
    compute = artifacts / "compute"
    compute.mkdir()
    for month, seconds in (("2026-09", 900), ("2026-10", 2_400), ("2026-11", 1_300)):
        (compute / f"{month}.jsonl").write_text(json.dumps({"seconds": seconds}) + "\n")


def _release(shown: Shown, folder: Path) -> None:
    registry = connect(shown.contract, None)
    for number, figure in ((1, 0.871), (2, 0.902)):
        model = folder / f"model{number}"
        model.mkdir()
        (model / "model").write_text(str(number))
        figures = {"aifactory.metric.roc_auc": f"{figure}", "aifactory.baseline.roc_auc": "0.74"}
        version = registry.register(model, {**figures, "aifactory.commit": "c" * 40, "aifactory.stage": "retired"})
        registry.set_alias(CHAMPION, version.number)
        facts = {"version": version.number, "model_sha256": version.model_sha256}
        audit.append(Path(shown.contract.audit_uri), "released", "release.demo-case.prod", facts)
        served = Served(str(version.number), version.model_sha256, str(model), "c" * 40, "d" * 64)
        ServingFolder(Path(shown.contract.release_uri)).write(Document(number, served))
    audit.append(Path(shown.contract.audit_uri), "approved", "kim.meyer", {"why": ODD})


def moved(one: Shown, folder: Path) -> Shown:
    """A copy of the environment in `folder`, to be damaged."""
    home = folder / "home"
    shutil.copytree(Path(one.contract.data_uri).parent, home)
    old = str(Path(one.contract.data_uri).parent)
    values = {
        key: value.replace(old, str(home)) if isinstance(value, str) else value
        for key, value in one.contract.model_dump().items()
    }
    contract = EnvironmentContract.model_validate(values)
    return Shown(replace(one.project, environment=Resolved(contract, {})))
