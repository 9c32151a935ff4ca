"""Whether released code records inputs as the environment asks: code from before `capture_columns` records them all."""

from __future__ import annotations

from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.config import layout
from aifactory_runtime.contract import EnvironmentContract

_KEY = "capture_columns"


def unredacted(contract: EnvironmentContract, tree: Path) -> list[str]:
    """Rules of the environment that the code in `tree` does not know; none where all is well, or nobody can tell.

    A tree has no copy of the runtime where that is a package of its environment.
    """
    asked = [f"{name}: {rule}" for name, rule in contract.capture_columns.items() if rule != "keep"]
    schema = layout.runtime_folder(tree) / "contract" / "environment.v1.json"
    try:
        known = _KEY in files.read_json(schema)["properties"]
    except (OSError, ValueError, LookupError):
        return []
    return [] if known else asked


def sentence(contract: EnvironmentContract, commit: str, rules: list[str]) -> str:
    """What to know before such code answers."""
    return (
        f"the code of commit {commit[:12]} is from before {_KEY}: {contract.environment} records every input as it "
        f"came, although factory.yaml asks for {', '.join(rules)}; release newer code, then erase what must not stay"
    )
