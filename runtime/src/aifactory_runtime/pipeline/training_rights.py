"""Where a model may be trained, and by whom: dev by anyone who may write there, prod by its release identity alone."""

from __future__ import annotations

from aifactory_runtime.contract import EnvironmentContract, names
from aifactory_runtime.errors import UsageProblem


def check(contract: EnvironmentContract) -> None:
    """UsageProblem when this identity trains nothing in this environment; says where or how it is done."""
    environment = contract.environment
    if environment in (names.EMBEDDED, "dev"):
        return
    if environment != contract.train_in:
        raise UsageProblem(
            f"nothing is trained in {environment} with train_in: {contract.train_in}: train in {contract.train_in}, "
            f"then factory release --to {environment}"
        )
    if contract.identity != names.RELEASE:
        raise UsageProblem(
            f"in {environment} only its release identity trains, not {contract.identity}: factory release --train "
            f"--env {environment} trains what passed the gate in dev, or a schedule under {environment}.retraining"
        )
