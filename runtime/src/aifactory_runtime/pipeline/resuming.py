"""Finds the run that lost its cluster, so that the same command goes on after its last whole step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aifactory_runtime.data.tables import RAW
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.pipeline import handoff as handoffs
from aifactory_runtime.pipeline import run_folder
from aifactory_runtime.pipeline.handoff import Handoff
from aifactory_runtime.storage.place import Place


def adopted(artifacts: Place, begun: Handoff, names: Sequence[str]) -> tuple[Handoff, frozenset[str]]:
    """The run before `begun`, if its cluster went away and it is of the same code and rows, and its whole steps.

    `begun` has read its data, as the first of the steps `names`, and is given up for the other run. Else `begun`
    itself, and no step.
    """
    lost = _before(artifacts, begun)
    if lost is None or lost.lost_at not in names or not _same(lost, begun):
        return begun, frozenset()
    whole = frozenset(names[: names.index(lost.lost_at)])
    going_on = replace(lost, error=None, lost_at=None, request=begun.request)
    handoffs.save(artifacts, going_on)
    run_folder.drop(artifacts, begun.id)
    return going_on, whole


def _before(artifacts: Place, begun: Handoff) -> Handoff | None:
    """The newest other run; None when there is none that can be read."""
    others = [name for name in run_folder.ids(artifacts) if name != begun.id]
    try:
        return handoffs.load(artifacts, others[-1]) if others else None
    except FactoryError:
        return None


def _same(lost: Handoff, begun: Handoff) -> bool:
    """Whether what the steps begin with is the same; what no commit holds may differ in more than is recorded."""
    keys = ("kind", "commit", "code_sha256", "lock_sha256", "new_reference", "captured", "made_up")
    alike = all(getattr(lost, key) == getattr(begun, key) for key in keys)
    return alike and not begun.dirty and lost.tables.get(RAW) == begun.tables.get(RAW)
