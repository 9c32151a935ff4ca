"""The steps that make a model: train, evaluate, register. Each reads a handoff and adds its part."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aifactory_runtime.data import split, tables
from aifactory_runtime.data.tables import PREPARED, RAW, REFERENCE
from aifactory_runtime.errors import FactoryError, UsageProblem
from aifactory_runtime.gate import verdict
from aifactory_runtime.pipeline import arrays, scores
from aifactory_runtime.pipeline import champion as champions
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.registry import model_folder
from aifactory_runtime.registry.model_folder import Belongs, InputSchema
from aifactory_runtime.registry.port import CHAMPION, MODEL_SHA256, PREFIX, REPORT_SHA256, Version

if TYPE_CHECKING:
    import pandas as pd

_MODEL = "model"
_GATE_REPORT = "gate.json"
_CANDIDATE = "candidate"


def train(context: Context, handoff: Handoff) -> Handoff:
    """The user's estimator fitted on the training rows, as a model folder and a run of the tracking server."""
    science = context.project.science
    frame = _prepared(context, handoff)
    rows = frame[frame[split.SPLIT] == split.TRAIN]
    schema = _input_schema(context, rows)
    estimator = _fit(context, rows, schema)
    checked = frame[frame[split.SPLIT] == split.VALIDATION]
    found = scores.of(
        estimator,
        arrays.to_matrix(checked, schema, science.features()),
        arrays.to_labels(checked, schema.target),
    )
    place = _model_place(context, handoff)
    sha256 = _write_model(place, estimator, schema, _belongs(context, handoff, schema))
    tags = {**_tags(handoff), MODEL_SHA256: sha256, PREFIX + "schema_sha256": _schema_sha256(schema)}
    registry = context.registry
    run = handoff.mlflow_run or registry.start_run(handoff.id, tags)
    validation = {f"validation.{name}": value for name, value in found.items()}
    try:
        registry.log(run, {"seed": context.settings.train.seed, **context.settings.train.parameters}, validation, tags)
    except BaseException:
        if handoff.mlflow_run is None:  # no handoff names the run yet: nobody else can end it
            with suppress(FactoryError):
                registry.finish_run(run, failed=True)
        raise
    return replace(handoff, mlflow_run=run, model_sha256=sha256, metrics={**handoff.metrics, **validation})


def evaluate(context: Context, handoff: Handoff) -> Handoff:
    """Figures on the test rows beside the baseline's, on the reference beside the champion's, and the verdict."""
    place, run = _trained(context, handoff)
    schema, estimator = model_folder.read_schema(place), model_folder.load_estimator(place)
    features = context.project.science.features()
    frame = _prepared(context, handoff)
    test = frame[frame[split.SPLIT] == split.TEST]
    values, labels = arrays.to_matrix(test, schema, features), arrays.to_labels(test, schema.target)
    metrics = dict(scores.of(estimator, values, labels))
    baseline = _baseline(frame, schema)
    metrics |= _named(verdict.BASELINE, scores.of(baseline, values, labels))
    reference = tables.read(context.tables, REFERENCE, handoff.table(REFERENCE, "prepare").version)
    reference_labels = arrays.to_labels(reference, schema.target)
    reference_values = arrays.to_matrix(reference, schema, features)
    metrics |= _named(verdict.REFERENCE, scores.of(estimator, reference_values, reference_labels))
    champion = context.registry.by_alias(CHAMPION)
    if champion is not None:
        metrics |= _named(verdict.CHAMPION, champions.figures(context, champion, reference))
    facts = {
        "model_sha256": handoff.model_sha256,
        "champion_sha256": champion.model_sha256 if champion else None,
        "data": {name: found.sha256 for name, found in sorted(handoff.tables.items())},
    }
    judged = verdict.judge(metrics, context.settings.gate, facts, champion=champion is not None)
    text = json.dumps(judged.report, indent=2, sort_keys=True, allow_nan=False)
    handoffs.write_atomic(handoffs.folder(context.artifacts, handoff.id) / _GATE_REPORT, text)
    tags = {REPORT_SHA256: judged.sha256, PREFIX + "gate": "passed" if judged.passed else "refused"}
    context.registry.log(run, metrics=metrics, tags=tags)
    context.registry.log_file(run, _GATE_REPORT, text.encode())
    gate = {"passed": judged.passed, "reasons": list(judged.reasons), "sha256": judged.sha256}
    return replace(handoff, metrics={**handoff.metrics, **metrics}, gate=gate)


def register(context: Context, handoff: Handoff) -> Handoff:
    """The candidate as a registered version, if the gate let it pass; else an event, and the run ends in one line."""
    place, run = _trained(context, handoff)
    if handoff.gate is None:
        raise UsageProblem(f"run {handoff.id} has no verdict yet: run evaluate first")
    if not handoff.gate["passed"]:
        _refuse(context, handoff, handoff.gate["reasons"])
    if model_folder.digest(place) != handoff.model_sha256:
        raise FactoryError(f"{place} is not the model that was judged: run train again")
    tags = {
        **_tags(handoff),
        **{f"{PREFIX}{name}": f"{value:.6g}" for name, value in handoff.metrics.items() if _is_baseline(name)},
        PREFIX + "schema_sha256": model_folder.read_belongs(place).schema_sha256,
        REPORT_SHA256: handoff.gate["sha256"],
        PREFIX + "stage": _CANDIDATE,
        PREFIX + "pipeline_run": handoff.id,
    }
    version = context.registry.register(place, tags, run)
    context.registry.finish_run(run)
    _audit(context, version)
    return replace(handoff, version=version.number)


def _prepared(context: Context, handoff: Handoff) -> pd.DataFrame:
    return tables.read(context.tables, PREPARED, handoff.table(PREPARED, "prepare").version)


def _model_place(context: Context, handoff: Handoff) -> Path:
    return handoffs.folder(context.artifacts, handoff.id) / _MODEL


def _trained(context: Context, handoff: Handoff) -> tuple[Path, str]:
    """Model folder and tracking run of a handoff that train has added its part to."""
    place = _model_place(context, handoff)
    if handoff.mlflow_run is None or handoff.model_sha256 is None or not place.is_dir():
        raise UsageProblem(f"run {handoff.id} has no model yet: run train first")
    return place, handoff.mlflow_run


def _input_schema(context: Context, rows: pd.DataFrame) -> InputSchema:
    from aifactory_runtime.data import declared

    science = context.project.science
    target = science.target()
    columns = declared.input_columns(science.schema(), target, science.ignored())
    classes = declared.labels(rows, target)
    if len(classes) < 2:  # noqa: PLR2004 - a classifier needs two
        raise FactoryError(f"the training rows hold one class of {target} only: the pipeline needs more data")
    return arrays.pinned(rows, InputSchema(target, columns, (), classes), science.features())


def _fit(context: Context, rows: pd.DataFrame, schema: InputSchema) -> Any:
    """The estimator, fitted with every random draw decided by the seed."""
    settings, science = context.settings.train, context.project.science
    try:
        estimator = science.model()(**settings.parameters)
    except TypeError as error:
        raise UsageProblem(f"conf: train.parameters do not fit make_model ({error})") from None
    seeded = {key: settings.seed for key in estimator.get_params() if key.rpartition("__")[2] == "random_state"}
    estimator.set_params(**seeded)
    values = arrays.to_matrix(rows, schema, science.features())
    try:
        estimator.fit(values, arrays.to_labels(rows, schema.target))
    except ValueError as error:
        raise FactoryError(f"the model cannot be fitted: {str(error).strip().partition(chr(10))[0]}") from None
    return estimator


def _baseline(frame: pd.DataFrame, schema: InputSchema) -> Any:
    """What always answers with the shares of the classes in the training rows."""
    import numpy as np
    from sklearn.dummy import DummyClassifier

    labels = arrays.to_labels(frame[frame[split.SPLIT] == split.TRAIN], schema.target)
    return DummyClassifier(strategy="prior").fit(np.zeros((len(labels), len(schema.features))), labels)


def _write_model(place: Path, estimator: Any, schema: InputSchema, belongs: Belongs) -> str:
    """Write beside the place, then move: a killed writer leaves no half model."""
    part = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    sha256 = model_folder.write(part, estimator, schema, belongs)
    shutil.rmtree(place, ignore_errors=True)
    part.rename(place)
    return sha256


def _belongs(context: Context, handoff: Handoff, schema: InputSchema) -> Belongs:
    return Belongs(
        commit=handoff.commit,
        code_sha256=handoff.code_sha256,
        lock_sha256=handoff.lock_sha256,
        schema_sha256=_schema_sha256(schema),
        problem=context.project.manifest.problem,
    )


def _schema_sha256(schema: InputSchema) -> str:
    from aifactory_runtime.data import declared

    return declared.digest(schema.columns, schema.target)


def _tags(handoff: Handoff) -> dict[str, str]:
    """What every run, version and audit line of this run carries."""
    data = {f"{PREFIX}data.{name}": handoff.tables[name].tag for name in (RAW, PREPARED, REFERENCE)}
    return {
        PREFIX + "commit": handoff.commit,
        PREFIX + "dirty": str(handoff.dirty).lower(),
        PREFIX + "kind": handoff.kind,
        PREFIX + "code_sha256": handoff.code_sha256,
        PREFIX + "lock_sha256": handoff.lock_sha256,
        **data,
    }


def _refuse(context: Context, handoff: Handoff, reasons: list[str]) -> None:
    """Leave an event for who watches, then end the run."""
    event = {
        "event": "gate_refused",
        "run": handoff.id,
        "kind": handoff.kind,
        "model_sha256": handoff.model_sha256,
        "reasons": reasons,
    }
    handoffs.write_atomic(
        Path(context.contract.events_uri) / f"{handoff.id}.gate_refused.json", json.dumps(event, indent=2)
    )
    raise FactoryError(f"the gate refuses the candidate, nothing is registered: {'; '.join(reasons)}")


def _audit(context: Context, version: Version) -> None:
    """One line a registered version, also when a killed run left the version without it."""
    from aifactory_runtime.audit import log

    place = Path(context.contract.audit_uri)
    action = "register"
    if any(line["action"] == action and line["facts"].get("version") == version.number for line in log.read(place)):
        return
    facts = {"model": context.contract.model_name, "version": version.number, **version.tags}
    log.append(place, action, context.contract.identity, facts)


def _is_baseline(name: str) -> bool:
    return name.startswith(verdict.BASELINE)


def _named(prefix: str, found: dict[str, float]) -> dict[str, float]:
    return {prefix + name: value for name, value in found.items()}
