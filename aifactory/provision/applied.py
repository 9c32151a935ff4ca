"""Reads what was applied of use cases, as `factory up` recorded it; a damaged record is named with its mend."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from aifactory.home import Home
from aifactory_runtime import files
from aifactory_runtime.contract import EnvironmentContract, Manifest, names
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from aifactory.provision.plan import Place


def use_cases(home: Home) -> list[tuple[str, str]]:
    """Use case and environment of every record, in order; FactoryError names one that is damaged."""
    found = []
    for path in sorted((home.root / "usecases").glob("*.json")):
        environment = _read(path)["environment"]
        found.append((environment["use_case"], environment["environment"]))
    return sorted(found, key=lambda one: (one[0], names.ENVIRONMENTS.index(one[1])))


def write(home: Home, manifest: Manifest, outputs: Mapping[str, Any]) -> None:
    """Record what was applied of a use case in a cloud; on this machine its stack writes the record."""
    record = {
        "manifest": manifest.model_dump(mode="json", by_alias=True, exclude_unset=True),
        "environment": dict(outputs),
    }
    path = home.applied(manifest.use_case, outputs["environment"])
    files.write(path, json.dumps(record, indent=2))


def outputs(home: Home, use_case: str, environment: str) -> dict[str, Any]:
    """The environment contract as recorded; FileNotFoundError when nothing was applied, FactoryError as `use_cases`."""
    found: dict[str, Any] = _read(home.applied(use_case, environment))["environment"]
    return found


def required_outputs(place: Place, environment: str) -> dict[str, Any]:
    """`outputs` of the place's use case; FactoryError outside a repo, and where nothing was applied yet."""
    if place.repo is None or place.manifest is None:
        raise FactoryError("outputs belong to a use case: run this inside its repo")
    try:
        return outputs(place.home, place.manifest.use_case, environment)
    except FileNotFoundError:
        raise FactoryError(f"{environment} is not provisioned: factory up {environment}") from None


def contract(home: Home, use_case: str, environment: str) -> EnvironmentContract:
    """The environment contract; FileNotFoundError and FactoryError as `outputs`."""
    try:
        return EnvironmentContract.model_validate(outputs(home, use_case, environment))
    except ValidationError:
        raise _damaged(home.applied(use_case, environment)) from None


def manifest(home: Home, use_case: str, environment: str) -> Manifest:
    """The manifest that was applied; FileNotFoundError and FactoryError as `outputs`."""
    path = home.applied(use_case, environment)
    try:
        return Manifest.model_validate(_read(path).get("manifest"))
    except ValidationError:
        raise _damaged(path) from None


def _read(path: Path) -> dict[str, Any]:
    """The record at `path`: in it an `environment` that says of which use case and where."""
    try:
        record = files.read_json(path)
        said = record["environment"]
        good = isinstance(said["use_case"], str) and said["environment"] in names.ENVIRONMENTS
    except (ValueError, TypeError, LookupError):
        good = False
    if not good:
        raise _damaged(path)
    return record


def _damaged(path: Path) -> FactoryError:
    use_case, _, environment = path.stem.rpartition(".")
    return FactoryError(f"{path} is damaged: factory up {environment} in the repo of {use_case} writes it again")
