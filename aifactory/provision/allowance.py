"""What each applied use case has taken of its quotas, and who there has rights that have ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from aifactory.home import Home
from aifactory.people import roster
from aifactory.provision import stacks
from aifactory_runtime.contract import EnvironmentContract, Manifest, names
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
    applied = stacks.applied_use_cases(home)
    for name, environment in sorted(applied, key=lambda one: (one[0], names.ENVIRONMENTS.index(one[1]))):
        if use_case in (None, name):
            content = json.loads(home.applied(name, environment).read_text(encoding="utf-8"))
            found.append(_allowance(content, now))
    return found


def _allowance(content: dict[str, object], now: datetime) -> Allowance:
    contract = EnvironmentContract.model_validate(content["environment"])
    manifest = Manifest.model_validate(content["manifest"])
    taken = {one.kind: one for one in usage.measure(contract, now)}
    remarks = [
        f"the quota of {one.kind} is used up: no pipeline begins" if one.over else f"the quota of {one.kind} is near"
        for one in taken.values()
        if one.near
    ]
    remarks += [f"{sentence}: factory up" for sentence in roster.due(manifest, (contract.environment,), now.date())]
    disk, compute = (str(taken[kind]) if kind in taken else "no quota" for kind in ("disk", "compute"))
    return Allowance(contract.use_case, contract.environment, disk, compute, "; ".join(remarks))
