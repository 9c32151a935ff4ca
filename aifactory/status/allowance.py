"""What each applied use case has taken of its quotas, and who there has rights that have ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aifactory.home import Home
from aifactory.people import roster
from aifactory.provision import applied
from aifactory_runtime.contract import EnvironmentContract, Manifest
from aifactory_runtime.quota import usage


@dataclass(frozen=True)
class Allowance:
    """One use case in one environment."""

    use_case: str
    environment: str
    disk: str
    compute: str
    remark: str


def allowances(home: Home, now: datetime, use_case: str | None = None) -> list[Allowance]:
    """Every applied use case, or only `use_case`, as it stands at `now` (UTC)."""
    found = []
    for name, environment in applied.use_cases(home):
        if use_case in (None, name):
            manifest = applied.manifest(home, name, environment)
            found.append(_allowance(applied.contract(home, name, environment), manifest, now))
    return found


def _allowance(contract: EnvironmentContract, manifest: Manifest, now: datetime) -> Allowance:
    taken = {one.kind: one for one in usage.measure(contract, now)}
    remarks = [
        f"the quota of {one.kind} is used up: no pipeline begins" if one.over else f"the quota of {one.kind} is near"
        for one in taken.values()
        if one.near
    ]
    remarks += [f"{sentence}: factory up" for sentence in roster.due(manifest, (contract.environment,), now.date())]
    disk, compute = (str(taken[kind]) if kind in taken else "no quota" for kind in ("disk", "compute"))
    return Allowance(contract.use_case, contract.environment, disk, compute, "; ".join(remarks))
