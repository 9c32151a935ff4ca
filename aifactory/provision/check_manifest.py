"""Refuses what a manifest may not ask before anything starts, with file and line; says what it costs where it may."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime.config import yaml_model
from aifactory_runtime.config.project import MANIFEST
from aifactory_runtime.contract import recording
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.upgrades import answered_target
from infra.policies.home_facts import measure
from infra.policies.manifest_rules import violations

if TYPE_CHECKING:
    from aifactory.provision.plan import Place


def check(place: Place, environments: Sequence[str], today: date) -> None:
    """UsageProblem names every rule that the repo's manifest breaks in `environments`.

    The programs refuse the same; here it is before the platform, or another environment, is touched.
    """
    if place.repo is None or place.manifest is None:
        return
    path = place.repo / MANIFEST
    if (other := answered_target.due(place.repo)) is not None:
        raise UsageProblem(f"{path}:{yaml_model.line_of(path, ['target'])}: {other}")
    said: dict[str, None] = {}
    for environment in environments:
        facts = measure(place.home.root, place.manifest, environment, today)
        for violation in violations(place.manifest, environment, facts):
            line = yaml_model.line_of(path, violation.key.split("."))
            said[f"{path}:{line}: {violation}"] = None
    if said:
        raise UsageProblem("; ".join(said))


def remarks(place: Place, environments: Sequence[str]) -> Iterator[str]:
    """What the owner should know of what is recorded in `environments`: what it costs, names that fit no column."""
    if place.manifest is None:
        return
    for environment in environments:
        yield from recording.remarks(place.manifest, environment)
        rules = place.manifest.settings(environment).capture_columns
        columns = _served_columns(place.home.root / environment / place.manifest.use_case / "serving")
        unknown = recording.unknown(rules, columns) if columns else []
        if unknown:
            yield (
                f"environments.{environment}.capture_columns: the model served there has no column "
                f"{', '.join(unknown)}: right only for a model to come"
            )


def _served_columns(serving: Path) -> list[str]:
    """Columns of the rows that the champion takes, used or not; none where nothing is served."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        sha256 = json.loads((serving / "serving.json").read_bytes())["champion"]["sha256"]
        schema = json.loads((serving / "models" / sha256 / "input_schema.json").read_bytes())
        return [*(column["name"] for column in schema["columns"]), *schema.get("ignored", ()), schema["target"]]
    return []
