"""Refuses what a manifest may not ask of its environments before anything starts, with file and line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from aifactory_runtime.config import yaml_model
from aifactory_runtime.config.project import MANIFEST
from aifactory_runtime.errors import UsageProblem
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
    said: dict[str, None] = {}
    for environment in environments:
        facts = measure(place.home.root, place.manifest, environment, today)
        for violation in violations(place.manifest, environment, facts):
            line = yaml_model.line_of(path, violation.key.split("."))
            said[f"{path}:{line}: {violation}"] = None
    if said:
        raise UsageProblem("; ".join(said))
