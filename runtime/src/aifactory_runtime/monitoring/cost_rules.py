"""What the use case has taken of its quotas and of its budget."""

from __future__ import annotations

from collections.abc import Sequence

from aifactory_runtime.monitoring import result
from aifactory_runtime.monitoring.result import Result
from aifactory_runtime.quota.usage import ALERT_SHARE, Usage

QUOTAS, BUDGET = "quotas", "budget"
_KINDS = ("disk", "compute")


def quotas(found: Sequence[Usage]) -> list[Result]:
    """Disk and compute, with the share of the quota from which on it is said."""
    known = {one.kind: one for one in found}
    made = []
    for kind in _KINDS:
        blank = Result("cost", kind)
        if (one := known.get(kind)) is None:
            made.append(result.without(blank, "no quota was applied"))
        else:
            made.append(result.judged(blank, one.taken, ALERT_SHARE * one.quota, f"{one} are used up"))
    return made


def budget(month: float) -> Result:
    """What a month may cost. This machine sends no bill, so there is nothing to hold against it."""
    return result.without(Result("cost", BUDGET, threshold=month), "this machine sends no bill")
