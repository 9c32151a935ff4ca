"""What is recorded of a prediction's inputs: for each column its value, a keyed hash of it, or nothing. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from aifactory_runtime.contract import json_text

if TYPE_CHECKING:
    from aifactory_runtime.contract.manifest import EnvironmentSettings, Manifest

Treatment = Literal["drop", "hash", "keep"]
OTHERS = "*"
"""Stands for every column that is not named; without it these are kept."""
SENSITIVE = frozenset({"confidential", "restricted"})
"""Classifications whose owner has to say what is recorded, also when that is everything."""


CaptureColumns = Annotated[dict[str, Treatment], json_text.parsed('{"email": "hash", "income": "drop"}')]
"""Column to what is recorded of it."""


def treatment(rules: Mapping[str, Treatment], column: str) -> Treatment:
    """What the rules say of a column."""
    return rules.get(column) or rules.get(OTHERS, "keep")


def unknown(rules: Mapping[str, Treatment], columns: Iterable[str]) -> list[str]:
    """Names in the rules that are none of `columns`: such a rule would protect nothing."""
    return sorted(set(rules) - {OTHERS, *columns})


def remarks(manifest: Manifest, environment: str) -> list[str]:
    """What the owner should know about `capture_columns` of an environment: what it costs, or that nothing is said."""
    settings = manifest.settings(environment)
    key = f"environments.{environment}.capture_columns"
    if not settings.capture_columns:
        return [_unsaid(key, manifest.data_classification)] if manifest.data_classification in SENSITIVE else []
    return [f"{key}: {sentence}" for sentence in _costs(settings)]


def _unsaid(key: str, classification: str) -> str:
    return (
        f"{key} is not there, so every input of a prediction is recorded as it came, and data are {classification}: "
        'write drop, hash or keep for the columns that tell who somebody is, or {"*": keep} if all may be kept'
    )


def _costs(settings: EnvironmentSettings) -> list[str]:
    dropped, hashed = (_named(settings.capture_columns, one) for one in ("drop", "hash"))
    found = []
    if dropped:
        found.append(f"{dropped} not recorded: trace cannot show it, and no prediction is found by it")
    if hashed:
        found.append(
            f"{hashed} recorded as a keyed hash: trace shows the hash; labels and erase still find predictions by it; "
            "of a column with few values the hash hides little"
        )
    if found:
        found.append("drift of such a column is not seen, and no model that reads it can learn from what was recorded")
    return found


def _named(rules: Mapping[str, Treatment], wanted: Treatment) -> str:
    names = [("every other column" if name == OTHERS else name) for name, one in rules.items() if one == wanted]
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}" if names else ""
