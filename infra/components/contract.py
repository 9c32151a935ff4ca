"""Makes the environment contract of one use case from what was provisioned; nothing secret gets into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pydantic import ValidationError

from aifactory_runtime.contract import EnvironmentContract, derived
from infra.components.asked import Asked


def not_secret(key: str, value: pulumi.Input[Any]) -> pulumi.Output[Any]:
    """The value as an output that fails when it is secret.

    Checked here and not in a policy: policies get outputs in plain text without the mark, so one that reports a secret
    prints it.
    """
    output = pulumi.Output.from_input(value)

    async def known() -> bool:
        if await output.is_secret():
            raise pulumi.RunError(f"{key} is secret and may not be exported: export the path of the file that holds it")
        return await output.is_known()

    return pulumi.Output(output.resources(), output.future(with_unknowns=True), known())


def contract(values: Mapping[str, pulumi.Input[Any]]) -> pulumi.Output[dict[str, Any]]:
    """The contract's fields, checked by its model as soon as all values are known."""
    checked = {key: not_secret(key, value) for key, value in values.items()}
    return pulumi.Output.all(**checked).apply(_validated)


def _validated(values: dict[str, Any]) -> dict[str, Any]:
    try:
        return EnvironmentContract.model_validate(values).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "environment"
        raise pulumi.RunError(f"the environment's contract does not hold: {key}: {first['msg']}") from None


def export(values: pulumi.Output[dict[str, Any]]) -> None:
    """Every field of the contract is an output of the stack."""
    for key in EnvironmentContract.model_fields:
        pulumi.export(key, values[key])


def manifest_values(asked: Asked) -> dict[str, Any]:
    """What the manifest asks of this environment, as applied."""
    wanted = asked.manifest.settings(asked.environment)
    return {
        **derived.from_manifest(asked.manifest, asked.environment),
        "approvers": list(asked.approvers),
        "approval": wanted.approval,
        "certified_gate": wanted.certified_gate,
        "validators": list(asked.validators),
        "live_test": wanted.live_test,
        **derived.of_trial(wanted.trial),
        "capture": wanted.capture,
        "quota_disk_gb": wanted.quotas.disk_gb,
        "quota_compute_hours": wanted.quotas.compute_hours,
        "retired": asked.retired,
    }
