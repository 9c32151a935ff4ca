"""Whether a model answers as when it was trained, where only the versions of numeric packages are others.

`evaluate` keeps what it says of the first rows of the reference. A run with other packages asks it for the same rows:
when every answer is the same, within the tolerance of staging's test, nothing has to be trained for the packages' sake.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from aifactory_runtime import files
from aifactory_runtime.data.tables import REFERENCE
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline import arrays
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline.context import Context
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.pipeline.reproduction import same_science, science
from aifactory_runtime.registry import answers, model_folder
from aifactory_runtime.registry.port import NUMERIC, PIPELINE_RUN, SAME_ANSWERS, Version

_FILE = "answers.json"
_MOST_ROWS = 5_000
_SHOWN = 5
_KEPT = 50
"""A tag of MLflow holds some thousand characters."""
_LOG = logging.getLogger("aifactory.train")


@dataclass(frozen=True)
class Compared:
    """On how many rows a model was asked, and why it counts as another one; None when every answer is the same."""

    rows: int
    reason: str | None


def keep(context: Context, handoff: Handoff, estimator: Any, values: Any, classes: Sequence[Any]) -> None:
    """Write down, beside the run, what its model says of the first rows of the reference."""
    said = {"model_sha256": handoff.model_sha256, **_said(estimator, values, classes)}
    files.write(handoffs.folder(context.artifacts, handoff.id) / _FILE, json.dumps(said))


def agrees(context: Context, version: Version, handoff: Handoff) -> bool:
    """Whether the version answers here as it did; if so its tags say it from now on. What was found is logged."""
    here, project = context.made_from.science, context.project
    before = same_science.recorded(version.tags, project.root, project.manifest.package).get(NUMERIC, "")
    changed = science.changed(before, here.numeric)
    found = _compared(context, version, handoff)
    if found.reason is not None:
        _LOG.warning("note: version %s is not taken for the same (%s): %s", version.number, changed, found.reason)
        return False
    known = version.tags.get(SAME_ANSWERS, "").split()
    context.registry.set_tag(version.number, SAME_ANSWERS, " ".join([*known, here.numeric_sha256][-_KEPT:]))
    said = "note: version %s stays, though %s: its predictions on %s reference rows agree"
    _LOG.warning(said, version.number, changed, found.rows)
    return True


def _compared(context: Context, version: Version, handoff: Handoff) -> Compared:
    if other := _not_installed(context.made_from.science.numeric):
        return Compared(0, f"{other}, so nothing can be compared: make setup")
    try:
        place = handoffs.folder(context.artifacts, version.tags.get(PIPELINE_RUN, ""))
        before = files.read_json(place / _FILE)
    except (FactoryError, OSError, ValueError):
        before = {}
    if before.get("model_sha256") != version.model_sha256:
        return Compared(0, "what it answered when it was trained is not to be had here")
    try:
        now = _asked(context, version, handoff)
    except FactoryError as error:
        return Compared(0, str(error))
    except Exception as error:  # whatever a library of another version trips over
        return Compared(0, f"it does not run any more ({type(error).__name__})")
    return held_against(before, now)


def _asked(context: Context, version: Version, handoff: Handoff) -> dict[str, Any]:
    """What the version says, here, of the rows that this run is judged by."""
    with tempfile.TemporaryDirectory(prefix="aifactory-parity-") as temporary:
        model = Path(temporary) / "model"
        context.registry.download(version, model)
        schema = model_folder.read_schema(model)
        estimator = model_folder.load_estimator(model, context.settings.train.trusted_types)
    table, features = handoff.table(REFERENCE, "prepare").version, context.project.science.features()
    values, _ = arrays.load_reference(context.tables, table, schema, features)
    return _said(estimator, values, schema.classes)


def _said(estimator: Any, values: Any, classes: Sequence[Any]) -> dict[str, Any]:
    predictions, shares = answers.of(estimator, values[:_MOST_ROWS], classes)
    return {
        "predictions": predictions.tolist(),
        "probabilities": None if shares is None else shares.astype(np.float64).tolist(),
    }


def held_against(before: Mapping[str, Any], now: Mapping[str, Any]) -> Compared:
    """Rows are named by their place in the reference, from 1; the largest differences first."""
    was, new = _rows(before), _rows(now)
    if len(was) != len(new):
        return Compared(len(new), f"it answered {len(was)} rows, now {len(new)}")
    apart = {row: _apart(*pair) for row, pair in enumerate(zip(was, new, strict=True), 1) if not answers.equal(*pair)}
    if not apart:
        return Compared(len(new), None)
    largest = sorted(apart, key=lambda row: -apart[row])[:_SHOWN]
    named = ", ".join(f"row {row} by {apart[row]:.3g}" for row in largest)
    more = ", the largest" if len(apart) > len(largest) else ""
    return Compared(len(new), f"{len(apart)} of {len(new)} predictions differ{more}: {named}")


def _rows(said: Mapping[str, Any]) -> list[list[Any]]:
    """A row each: the shares of the classes and the label, or the number."""
    shares = said["probabilities"] or [[] for _ in said["predictions"]]
    return [[*row, label] for row, label in zip(shares, said["predictions"], strict=True)]


def _apart(was: Sequence[Any], new: Sequence[Any]) -> float:
    """How far two rows of answers are apart: by the number that differs most, 1 for another label."""
    pairs = list(zip(was, new, strict=False))
    return max((abs(one - other) if isinstance(one, float) else float(one != other) for one, other in pairs), default=1)


def _not_installed(numeric: str) -> str | None:
    """Which numeric package is here in another version than the lock says."""
    wanted: dict[str, set[str]] = {}
    for pin in numeric.split():
        name, _, version = pin.partition("==")
        wanted.setdefault(name, set()).add(version)
    for name, versions in wanted.items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            installed = "none"
        if installed not in versions:
            return f"{name} {installed} is installed and {' or '.join(sorted(versions))} locked"
    return None
