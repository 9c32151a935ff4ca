"""From a prediction id back to everything that made it, and on to what came true and what its live test came to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aifactory_runtime.audit import log
from aifactory_runtime.capture import find, scored
from aifactory_runtime.config.project import Project
from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.data import removals, tables
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.labels.of_prediction import of_prediction
from aifactory_runtime.labels.rules import State
from aifactory_runtime.registry.looking import Looks
from aifactory_runtime.registry.port import DATA, DATA_OF, FIGURES, METRIC, OPERATIONS, PREFIX, REPORT_SHA256, Version
from aifactory_runtime.release import live_test, tags


@dataclass(frozen=True)
class Label:
    """What somebody said came true of it."""

    state: State
    label: Any
    """A class as the model has it, of a regression a number."""
    kpi: float | None
    time: str
    """When it was received."""
    by: str
    """Login of who sent it; empty where nobody is asked who they are."""
    id: str


@dataclass(frozen=True)
class LiveTest:
    """The live test that the request was part of."""

    id: str
    arm: str
    """Whose turn it was by the split: champion or challenger."""
    answered_by: str
    """Whose answer the caller got."""
    verdict: str | None
    """What the test came to: promote, withdraw or keep; None while it goes on."""
    why: str
    ended: str | None


@dataclass(frozen=True)
class Trace:
    """Where one prediction comes from."""

    prediction_id: str
    environment: str
    time: str
    inputs: dict[str, Any]
    output: dict[str, Any]
    redacted: dict[str, str]
    """Columns whose values are not in `inputs` as they came: drop, or hash where a keyed hash stands for it."""
    model: str
    version: str
    model_sha256: str
    run_id: str
    training_run: str
    imported: str | None
    """Digest of the folder that `import-model` took in the place of training."""
    copied_from: str | None
    commit: str
    """Commit that the model was trained from."""
    code_commit: str
    """Commit of the code that answered, with which the model was released."""
    code_sha256: str
    lock_sha256: str
    operations: dict[str, str]
    """Version and digest of the runtime that trained it, digest of the factory's lock; empty where nobody wrote it."""
    kind: str
    data: dict[str, str]
    metrics: dict[str, str]
    baseline: dict[str, str]
    remark: str | None
    """What to know before these figures are read."""
    gate_sha256: str | None
    integration_sha256: str | None
    approved_by: str | None
    labels: tuple[Label, ...] = ()
    """All that were sent, in their order; the one that counts is `joined`, or `early` until it does."""
    live_test: LiveTest | None = None

    def names(self, treatment: str) -> list[str]:
        """Input columns that were treated so before they were recorded."""
        return [name for name, one in self.redacted.items() if one == treatment]

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def trace(project: Project, versions: Looks, prediction_id: str) -> Trace:
    """Follow one prediction; FactoryError when the log does not know it or its model is no longer registered."""
    contract = project.environment.contract
    line = find.find(Path(contract.capture_uri), Path(contract.data_uri), prediction_id)
    line = line or _find_scored(Path(contract.data_uri), prediction_id)
    if line is None:
        raise _unknown(contract, prediction_id)
    version = versions.version(int(line["model_version"]))
    if version.model_sha256 != line["model_sha256"]:
        raise FactoryError(
            f"the prediction was made by sha256 {line['model_sha256'][:12]}, but version {version.number} has "
            f"{version.model_sha256[:12]}: the registry was changed; see the audit log"
        )
    return _trace(project, line, version)


def _unknown(contract: EnvironmentContract, prediction_id: str) -> FactoryError:
    """Why nothing is known of it: it was removed, or never recorded here."""
    data = Path(contract.data_uri)
    if removal := removals.find(data, removals.PREDICTION, prediction_id):
        return FactoryError(f"prediction {prediction_id} {removal.when}")
    if removal := find.removed(data, prediction_id):
        return FactoryError(f"prediction {prediction_id[:64]!r}: what was recorded with it {removal.when}")
    embedded = contract.environment == names.EMBEDDED
    where = "say with --env dev, staging or prod where it was made" if embedded else "check id and --env"
    return FactoryError(f"{contract.environment} has recorded no prediction {prediction_id[:64]!r}: {where}")


def _trace(project: Project, line: dict[str, Any], version: Version) -> Trace:
    contract, found = project.environment.contract, version.tags
    return Trace(
        prediction_id=line["id"],
        environment=contract.environment,
        time=line["time"],
        inputs=line["inputs"],
        output=line["output"],
        redacted=line.get("redacted") or {},
        model=contract.model_name,
        version=str(version.number),
        model_sha256=version.model_sha256,
        run_id=version.run_id,
        training_run=found.get(tags.TRAINING_RUN, f"{contract.environment}/{version.run_id}"),
        imported=found.get(tags.IMPORTED),
        copied_from=found.get(tags.FROM),
        commit=found.get(tags.COMMIT, ""),
        code_commit=line.get("commit") or _released_with(contract, line, version),
        code_sha256=found.get(tags.CODE, ""),
        lock_sha256=found.get(tags.LOCK, ""),
        operations=_with_prefix(OPERATIONS, found),
        kind=found.get(PREFIX + "kind", ""),
        data={key.removeprefix(DATA_OF): found[key] for key in DATA if key in found},
        metrics=_with_prefix(METRIC, found),
        baseline=_with_prefix(tags.BASELINE, found),
        remark=found.get(FIGURES),
        gate_sha256=found.get(REPORT_SHA256),
        integration_sha256=found.get(tags.INTEGRATION),
        approved_by=found.get(tags.APPROVED_BY),
        labels=tuple(_labels(project, line)),
        live_test=_live_test(contract, line),
    )


def _labels(project: Project, line: dict[str, Any]) -> Iterator[Label]:
    for one, state in of_prediction(project.environment.contract, project.manifest.labels, line):
        yield Label(state, json.loads(one.text), one.kpi, one.time, one.by, one.id)


def _live_test(contract: EnvironmentContract, line: dict[str, Any]) -> LiveTest | None:
    """The test that the line names, with how it ended by the audit log, which keeps all of them."""
    mark = line.get("trial")
    if not mark:
        return None
    verdict, why, ended = None, "", None
    for entry in log.read(Path(contract.audit_uri)):
        if entry["action"] == live_test.ENDS and entry["facts"].get("test") == mark["id"]:
            verdict, why, ended = entry["facts"]["verdict"], entry["facts"]["why"], entry["time"]
    return LiveTest(mark["id"], mark["arm"], line.get("role", ""), verdict, why, ended)


def _released_with(contract: EnvironmentContract, line: Mapping[str, Any], version: Version) -> str:
    """The commit that the version was served with when the line was written, as the audit log says.

    Rows of a batch and lines of services from before do not say it themselves.
    """
    found = version.tags.get(tags.COMMIT, "")
    for entry in log.read(Path(contract.audit_uri)):
        facts = entry["facts"]
        if entry["time"] <= line["time"] and facts.get("version") == version.number and "code_commit" in facts:
            found = facts["code_commit"]
    return str(found)


def _with_prefix(prefix: str, found: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}


def _find_scored(folder: Path, prediction_id: str) -> dict[str, Any] | None:
    """A row of the table `scored` as a line of the log would say it."""
    if tables.latest(folder, tables.SCORED) is None:
        return None
    for frame in tables.batches(folder, tables.SCORED, where=("prediction_id", prediction_id)):
        for line in scored.lines(frame.head(1)):
            return line
    return None
