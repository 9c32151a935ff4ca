"""Compares what is with what is asked for: a changed input and observed drift both need an update. No I/O."""

from __future__ import annotations

from typing import Any

from pulumi.provider.experimental.provider import DiffResponse, PropertyDiff, PropertyDiffKind

from infra.providers.local.kind import Kind
from infra.providers.local.values import has_unknown


def compare(kind: Kind, state: dict[str, Any], inputs: dict[str, Any]) -> DiffResponse:
    """Difference between the state and the inputs of one resource, property by property."""
    detailed: dict[str, PropertyDiff] = {}
    for key in sorted(kind.inputs):
        change = _change(key, state, inputs, key in kind.replaced_by)
        if change is not None:
            detailed[key] = PropertyDiff(change, input_diff=True)
    for key, wanted in kind.desired(inputs).items():
        if key not in detailed and not has_unknown(wanted) and state.get(key) != wanted:
            detailed[key] = PropertyDiff(PropertyDiffKind.UPDATE, input_diff=False)
    replaces = [key for key in detailed if key in kind.replaced_by]
    return DiffResponse(
        changes=bool(detailed),
        replaces=replaces,
        # One name, one port, one folder: the old one has to go before the new one can be made.
        delete_before_replace=bool(replaces),
        diffs=list(detailed),
        detailed_diff=detailed,
    )


def _change(key: str, state: dict[str, Any], inputs: dict[str, Any], replaces: bool) -> PropertyDiffKind | None:
    if key not in state and key not in inputs:
        return None
    if key not in state:
        return PropertyDiffKind.ADD_REPLACE if replaces else PropertyDiffKind.ADD
    if key not in inputs:
        return PropertyDiffKind.DELETE_REPLACE if replaces else PropertyDiffKind.DELETE
    if state[key] == inputs[key]:
        return None
    return PropertyDiffKind.UPDATE_REPLACE if replaces else PropertyDiffKind.UPDATE
