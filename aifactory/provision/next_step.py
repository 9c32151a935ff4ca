"""What a person does after `factory up`, as one line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aifactory.provision.run import Result
from aifactory_runtime.contract import EnvironmentContract, names

_SERVED = "serving.json"
"""What a release writes first of all."""


def after_up(use_case: str | None, results: Iterable[Result]) -> str:
    """The next command, where a use case's environments were provisioned, or the platform alone (None)."""
    if use_case is None:
        return "factory up dev, inside a use case's repo"
    own = [result.outputs for result in results if result.stack.startswith(f"{use_case}.")]
    contracts = {one.environment: one for one in map(EnvironmentContract.model_validate, own)}
    if any((Path(one.release_uri) / _SERVED).exists() for one in contracts.values()):
        return "factory status"
    first = next(name for name in names.ENVIRONMENTS if name in contracts)
    train = f"AIFACTORY_ENV={first} make train, then " if first == "dev" else ""
    return f"{train}factory release --to {first}"
