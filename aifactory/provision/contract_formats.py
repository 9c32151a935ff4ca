"""The environment contract as JSON, dotenv lines or GitHub environment lines, and where a repo keeps it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.config.environment import PREFIX

Contract = Mapping[str, Any]


def as_json(contract: Contract) -> str:
    """Indented JSON."""
    return json.dumps(contract, indent=2)


def as_dotenv(contract: Contract) -> str:
    """`AIFACTORY_KEY=value` lines, quoted for a shell; keys without a value are left out."""
    return "\n".join(f"{key}={shlex.quote(value)}" for key, value in _variables(contract))


def as_github(contract: Contract) -> str:
    """`AIFACTORY_KEY=value` lines for the file that GITHUB_ENV names, which takes them unquoted."""
    return "\n".join(f"{key}={value}" for key, value in _variables(contract))


def _variables(contract: Contract) -> list[tuple[str, str]]:
    return [(PREFIX + key.upper(), _text(value)) for key, value in contract.items() if value not in (None, [], (), {})]


def _text(value: Any) -> str:
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    return json.dumps(value) if isinstance(value, Mapping | list | tuple) else str(value)


FORMATS: dict[str, Callable[[Contract], str]] = {"json": as_json, "dotenv": as_dotenv, "github": as_github}


def write(repo: Path, contract: Contract) -> Path:
    """Write the contract to `.factory/` of the repo, and say where; `up` and `outputs --write` write the same."""
    return files.write(repo / ".factory" / f"{contract['environment']}.json", as_json(contract) + "\n")
