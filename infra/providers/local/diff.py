"""Compares what is with what is asked for: a changed input and observed drift both need an update. No I/O."""

from __future__ import annotations

from typing import Any

from infra.providers.local.kind import Kind
from infra.providers.protocol.messages import provider_pb2 as wire
from infra.providers.protocol.values import has_unknown


def compare(kind: Kind, state: dict[str, Any], inputs: dict[str, Any]) -> wire.DiffResponse:
    """Difference between the state and the inputs of one resource, property by property."""
    detailed: dict[str, wire.PropertyDiff] = {}
    for key in sorted(kind.inputs):
        change = _change(key, state, inputs, key in kind.replaced_by)
        if change is not None:
            detailed[key] = wire.PropertyDiff(kind=change, inputDiff=True)
    for key, wanted in kind.desired(inputs).items():
        if key not in detailed and not has_unknown(wanted) and state.get(key) != wanted:
            detailed[key] = wire.PropertyDiff(kind=wire.PropertyDiff.UPDATE, inputDiff=False)
    replaces = [key for key in detailed if key in kind.replaced_by]
    return wire.DiffResponse(
        changes=wire.DiffResponse.DIFF_SOME if detailed else wire.DiffResponse.DIFF_NONE,
        replaces=replaces,
        # One name, one port, one folder: the old one has to go before the new one can be made.
        deleteBeforeReplace=bool(replaces),
        diffs=list(detailed),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _change(
    key: str, state: dict[str, Any], inputs: dict[str, Any], replaces: bool
) -> wire.PropertyDiff.Kind.ValueType | None:
    if key not in state and key not in inputs:
        return None
    if key not in state:
        return wire.PropertyDiff.ADD_REPLACE if replaces else wire.PropertyDiff.ADD
    if key not in inputs:
        return wire.PropertyDiff.DELETE_REPLACE if replaces else wire.PropertyDiff.DELETE
    if state[key] == inputs[key]:
        return None
    return wire.PropertyDiff.UPDATE_REPLACE if replaces else wire.PropertyDiff.UPDATE
