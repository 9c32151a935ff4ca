"""Values of an environment contract that follow from manifest and place, for the programs and the embedded default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aifactory_runtime.contract.manifest import Compute, Manifest
from aifactory_runtime.contract.trial import Trial

_FOLDERS = {
    "data_uri": "tables",
    "artifact_uri": "artifacts",
    "capture_uri": "capture",
    "release_uri": "serving",
    "audit_uri": "audit",
    "events_uri": "events",
    "logs_uri": "logs",
    "inbox_uri": "inbox",
    "triggers_uri": "triggers",
}


def folders(place: Path) -> dict[str, str]:
    """The folders that a use case has below `place` in one environment."""
    return {key: str(place / name) for key, name in _FOLDERS.items()}


def of_trial(trial: Trial) -> dict[str, Any]:
    """How a successor is tried, flat as a contract is."""
    stated = trial.model_dump(exclude={"kind", "guards", "proxies"}) | trial.guards.model_dump()
    stated["proxies"] = [one.model_dump(mode="json", exclude_none=True) for one in trial.proxies]
    return {"trial": trial.kind, **{f"trial_{key}": value for key, value in stated.items()}}


def of_compute(compute: Compute | None) -> dict[str, int | float]:
    """Size of the cluster that an environment brings, flat as a contract is; empty where it brings none."""
    said = {} if compute is None else compute.model_dump(exclude={"engine"})
    return {f"cluster_{key}": value for key, value in said.items()}


def from_manifest(manifest: Manifest, environment: str) -> dict[str, Any]:
    """What the manifest says of the use case, of its data in `environment`, and of what a project does there itself."""
    settings = manifest.settings(environment)
    return {
        "data_source": settings.data_source,
        "batch_source": settings.batch.source,
        "risk": manifest.risk,
        "train_in": manifest.train_in,
        "scoring": manifest.scoring,
        "capture_columns": dict(settings.capture_columns),
        "notify": [one.model_dump(mode="json", exclude_none=True) for one in settings.notify],
        **settings.retention.model_dump(exclude={"schedule", "audit_days"}),
        "retraining_policy": settings.retraining.policy,
        "retraining_pace": settings.retraining.pace,
    }
