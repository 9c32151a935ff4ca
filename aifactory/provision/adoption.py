"""Takes into a stack what is in a cloud already: what destroy left there, and what a killed run made unrecorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi import automation

_TAKEN = "AlreadyExists"
"""What the vendor's plugin says when it makes what is there."""


@dataclass(frozen=True)
class Found:
    """A resource that is in the cloud and not in the stack's state; `wanted` is what the engine says of it."""

    wanted: Any
    identity: str

    @property
    def label(self) -> str:
        """Kind and name as in other lines: `Bucket audit-log-bucket`."""
        return f"{self.wanted.type.rpartition(':')[2]} {self.wanted.urn.rpartition('::')[2]}"

    def record(self) -> dict[str, Any]:
        """As the engine's state has it."""
        one = self.wanted
        same = {"urn": one.urn, "type": one.type, "parent": one.parent, "provider": one.provider}
        return {**same, "custom": True, "id": self.identity, "inputs": one.inputs, "outputs": one.inputs}


class Refused:
    """Listens to the engine's events: which resources it did not make because they are there."""

    def __init__(self) -> None:
        self._wanted: dict[str, Any] = {}
        self._taken: list[str] = []

    def __call__(self, event: Any) -> None:
        """Take one event of the engine."""
        if event.resource_pre_event and event.resource_pre_event.metadata.new is not None:
            new = event.resource_pre_event.metadata.new
            self._wanted[new.urn] = new
        diagnostic = event.diagnostic_event
        if diagnostic and diagnostic.severity == "error" and _TAKEN in diagnostic.message:
            self._taken.append(diagnostic.urn or "")

    @property
    def any(self) -> bool:
        """Whether there was one."""
        return bool(self._taken)

    def ours(self, begun: frozenset[str]) -> list[Found]:
        """Those that a run of ours left and that have a name to know them by; another's is never among them.

        `begun` are URNs of what an earlier run was making when it ended.
        """
        from infra.components.aws import identities

        wanted = (self._wanted[urn] for urn in dict.fromkeys(self._taken) if urn in self._wanted)
        ours = (one for one in wanted if one.retain_on_delete or one.urn in begun)
        found = ((one, identities.of(one.type, one.inputs or {})) for one in ours)
        return [Found(one, name) for one, name in found if name]


def up(
    pulumi_stack: automation.Stack, act: Callable[[Callable[[Any], None]], object], say: Callable[[str], object]
) -> None:
    """Call `act` with a listener to the engine's events until nothing is left to adopt; `say` is told what was.

    Raises what `act` raises where what is there is not ours.
    """
    from pulumi import automation

    while True:
        refused = Refused()
        try:
            act(refused)
        except automation.CommandError:
            found = refused.ours(_begun(pulumi_stack)) if refused.any else []
            if not found:
                raise
        else:
            return
        _record(pulumi_stack, found)
        for one in found:
            say(f"  adopted {one.label}: {one.identity} was left by an earlier run")


def _begun(pulumi_stack: automation.Stack) -> frozenset[str]:
    pending = dict(pulumi_stack.export_stack().deployment or {}).get("pending_operations") or []
    return frozenset(one["resource"]["urn"] for one in pending if one["type"] == "creating")


def _record(pulumi_stack: automation.Stack, found: list[Found]) -> None:
    """Write them into the state by their ids; the next `up` looks at each first, and changes what is not as wanted."""
    state = pulumi_stack.export_stack()
    known = dict(state.deployment or {})
    state.deployment = {**known, "resources": [*known["resources"], *(one.record() for one in found)]}
    pulumi_stack.import_stack(state)
