"""The gate that judged a candidate, as one digest: runtime, locks and settings of the commit it was trained from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aifactory_runtime.config import layout
from aifactory_runtime.config.settings import Settings
from aifactory_runtime.pipeline.reproduction import operations, provenance
from aifactory_runtime.release.candidate import Candidate

_WHOLE = ("gate", "data")
"""Sections of conf/ that count with all their keys: those of data say which rows judge, and which may be learned from.
"""
_TRAINING = ("max_gap", "not_converged", "seed", "trusted_types")
"""Settings of the training that the gate objects by, that draw the test rows, or that say what a model may hold."""


@dataclass(frozen=True)
class GateRules:
    """What decided whether a candidate is registered."""

    runtime: str
    """Version of the runtime, as `0.2.0`."""
    runtime_sha256: str
    """Of all its modules: what the gate is given to judge comes from outside of its package."""
    lock_sha256: str
    """Of both locks, the factory's and the science's: packages compute what the gate compares."""
    settings: Mapping[str, Any]
    """What conf/ says of gate and data, and of training what bears on the verdict, for the environment that trained;
    defaults belong to the runtime."""

    @property
    def sha256(self) -> str:
        """Digest of all of it; it changes with any of it."""
        said: dict[str, Any] = {"runtime": self.runtime, "runtime_sha256": self.runtime_sha256}
        said |= {"lock_sha256": self.lock_sha256, "settings": self.settings}
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()

    def lines(self) -> Iterator[str]:
        """The rules as people read them."""
        yield f"gate sha256 {self.sha256}"
        yield f"runtime {self.runtime} (sha256 {self.runtime_sha256})"
        yield f"locks (sha256 {self.lock_sha256})"
        for key, value in sorted(self.settings.items()):
            yield f"{key}: {json.dumps(value, sort_keys=True, default=str)}"
        if not self.settings:
            yield "conf/ says nothing of the gate: the runtime's defaults hold"


def of(chosen: Candidate) -> GateRules:
    """The gate that judged the candidate; FactoryError when its commit cannot be read.

    Read from the code, as its version's tags may be changed in dev.
    """
    source = chosen.source
    root = (
        source.project.root if source.embedded else source.snapshots.extract(source.project.root, chosen.trained_from)
    )
    said = Settings.said(root / "conf", chosen.version.trained(source.name)[0])
    training = said.get("train") or {}
    settings = {f"{part}.{key}": value for part in _WHOLE for key, value in (said.get(part) or {}).items()}
    settings |= {f"train.{key}": training[key] for key in _TRAINING if key in training}
    folder = layout.runtime_folder(root)
    modules = operations.digest(folder, folder.rglob("*.py"))
    return GateRules(operations.of_folder(root).runtime, modules, provenance.lock_sha256(root), settings)
