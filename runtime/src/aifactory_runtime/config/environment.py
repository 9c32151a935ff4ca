"""Which environment a project runs against: AIFACTORY_* variables, a file, or the embedded default. One function.

Order, first wins, key by key: `AIFACTORY_<KEY>`; the file `AIFACTORY_ENV_FILE`; the environment that `AIFACTORY_ENV`
names, as the variable `AIFACTORY_CONTRACT_<ENV>` holds it (JSON, for the runners of a forge) or `.factory/<env>.json`
in the project (written by `factory up`); the embedded default under `.factory/embedded/`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from aifactory_runtime.contract import EnvironmentContract, Manifest, derived, names
from aifactory_runtime.contract.environment import ENVIRONMENT_VERSION
from aifactory_runtime.errors import UsageProblem

PREFIX = "AIFACTORY_"
CHOICE = "AIFACTORY_ENV"
FILE = "AIFACTORY_ENV_FILE"
SAID = "AIFACTORY_CONTRACT_"
FOLDER = ".factory"
_EMBEDDED = "embedded default"


@dataclass(frozen=True)
class Resolved:
    """An environment and, for each key, where its value came from."""

    contract: EnvironmentContract
    origins: Mapping[str, str]


def resolve(
    root: Path, manifest: Manifest, variables: Mapping[str, str] | None = None, environment: str | None = None
) -> Resolved:
    """The environment that the project at `root` runs against.

    `environment` overrides AIFACTORY_ENV, for commands that speak to two environments at once. UsageProblem when the
    chosen environment has no file yet or the values do not make a contract.
    """
    variables = os.environ if variables is None else variables
    values, origin = _base(root, manifest, variables, environment)
    origins = dict.fromkeys(values, origin)
    if origin == _EMBEDDED:
        origins |= dict.fromkeys(derived.from_manifest(manifest, "dev"), "factory.yaml")
    if environment is None:
        for key in EnvironmentContract.model_fields:
            variable = PREFIX + key.upper()
            if variable in variables:
                values[key], origins[key] = variables[variable], variable
    _refuse_newer(values, origin)
    try:
        contract = EnvironmentContract.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "environment"
        raise UsageProblem(
            f"{origins.get(key, origin)}: {key}: {first['msg']}; factory outputs ENV --write writes it again"
        ) from None
    if contract.use_case != manifest.use_case:
        raise UsageProblem(
            f"{origin} belongs to use case {contract.use_case}, this repo is {manifest.use_case}: run factory up again"
        )
    if odd := names.odd_folder(contract.data_uri):
        raise UsageProblem(odd)
    for key in EnvironmentContract.model_fields:
        origins.setdefault(key, "default")
    return Resolved(contract, origins)


def _refuse_newer(values: Mapping[str, Any], origin: str) -> None:
    """UsageProblem, which says who has to move, for an environment that a later factory applied in another form."""
    version = values.get("contract_version")
    if isinstance(version, int) and version > ENVIRONMENT_VERSION:
        raise UsageProblem(
            f"{origin} is of a newer factory (contract_version {version}, this code reads {ENVIRONMENT_VERSION}): the "
            "environment stays, this repo has to move: factory update"
        )


def _base(
    root: Path, manifest: Manifest, variables: Mapping[str, str], environment: str | None
) -> tuple[dict[str, Any], str]:
    """Values before single variables are applied, and where they came from."""
    if environment is None and variables.get(FILE):
        path = Path(variables[FILE])
        mend = f"run factory up, or let {FILE} name a file with what factory outputs ENV prints"
        return _read(path, f"{FILE} names {path}, which is not there: {mend}", mend), str(path)
    name = environment or variables.get(CHOICE) or names.EMBEDDED
    if name == names.EMBEDDED:
        return embedded(root, manifest), _EMBEDDED
    if name not in names.ENVIRONMENTS:
        raise UsageProblem(f"{name} is not an environment; use one of {', '.join(names.ENVIRONMENTS)}")
    variable = SAID + name.upper()
    if variables.get(variable):
        return _said(variable, variables[variable], name), variable
    path = root / FOLDER / f"{name}.json"
    missing = f"{name} is not known here: run factory up {name}, or factory outputs {name} --write"
    return _read(path, missing, f"run factory outputs {name} --write"), str(path)


def _said(variable: str, text: str, name: str) -> dict[str, Any]:
    values = _parse(text, variable, f"set it to what factory outputs {name} prints")
    if values.get("environment") != name:
        raise UsageProblem(f"{variable} is not about {name}: set it to what factory outputs {name} prints")
    return values


def _read(path: Path, missing: str, mend: str) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageProblem(missing) from None
    except UnicodeDecodeError:
        text = ""
    return _parse(text, str(path), mend)


def _parse(text: str, origin: str, mend: str) -> dict[str, Any]:
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageProblem(f"{origin} is not JSON: {mend}") from None
    if not isinstance(loaded, dict):
        raise UsageProblem(f"{origin} is not an environment: {mend}")
    return loaded


def embedded(root: Path, manifest: Manifest, folder: Path | None = None) -> dict[str, Any]:
    """What a project has with nothing provisioned: SQLite and folders, in `.factory/embedded/` or `folder`."""
    base = folder or root / FOLDER / names.EMBEDDED
    database = f"sqlite:///{base / 'mlflow.db'}"
    return {
        "use_case": manifest.use_case,
        "environment": names.EMBEDDED,
        "identity": "local",
        "tracking_uri": database,
        "registry_uri": database,
        "experiment": names.experiment(manifest.use_case, names.EMBEDDED),
        "model_name": names.model(manifest.use_case, names.EMBEDDED),
        "snapshot_uri": str(base / "snapshots"),
        "capture_key_file": str(base / f"{names.CAPTURE_KEY}.json"),
        **derived.folders(base),
        **derived.from_manifest(manifest, "dev"),  # where people try things
    }
