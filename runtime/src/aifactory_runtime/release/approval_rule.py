"""When enough people have approved: one, and with `risk: high` not the author of the change alone. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aifactory_runtime.contract.manifest import Risk
from aifactory_runtime.registry.authors import Authors


@dataclass(frozen=True)
class Standing:
    """How the approval of one candidate stands."""

    given: tuple[str, ...]
    """Who has approved, in the order in which the environment names them."""
    enough: bool
    wanted: int = 0
    """How many of `awaited` have to approve yet."""
    awaited: tuple[str, ...] = ()
    because: str = ""
    """Why those who approved, or could, are not enough; empty where any one will do."""
    certificate: str = ""
    """The certificate of the gate by which it needs no person more; empty where people approved it."""

    @property
    def by(self) -> str:
        """Who let it pass, as people read it; empty while it is not enough."""
        return (self.certificate or ", ".join(self.given)) if self.enough else ""

    @property
    def missing(self) -> str:
        """Who has to approve yet, as people read it; empty when it is enough."""
        if self.enough:
            return ""
        if len(self.awaited) < self.wanted:
            return f"another person ({self.because}): name one under approvers in factory.yaml, then factory up"
        who = f"{'one' if self.wanted == 1 else 'two'} of {', '.join(self.awaited)}"
        return f"{who} ({self.because})" if self.because else who


def standing(risk: Risk, approvers: Sequence[str], authors: Authors, given: Sequence[str]) -> Standing:
    """How it stands when `given` of the `approvers` have approved a change of `authors`.

    With `risk: high` the approval of an author counts only beside another approver's, and where nobody knows who the
    authors are each approver may be one.
    """
    said = tuple(person for person in approvers if person in given)
    left = tuple(person for person in approvers if person not in given)
    if risk != "high":
        return Standing(said, True) if said else Standing(said, False, 1, left)
    own = [person for person in approvers if authors is None or person in authors]
    if len(said) > 1 or any(person not in own for person in said):
        return Standing(said, True)
    because = _because(authors, own)
    if said:
        return Standing(said, False, 1, left, because)
    others = tuple(person for person in left if person not in own)
    return Standing(said, False, 1, others, because) if others else Standing(said, False, 2, left, because)


def certified(risk: Risk, holders: Sequence[str]) -> bool:
    """Whether so many validators certified the gate that no person is asked: one, with `risk: high` two.

    The gate is certified before there is a change, so it does not matter here whose change comes.
    """
    return len(set(holders)) >= (2 if risk == "high" else 1)


def _because(authors: Authors, own: Sequence[str]) -> str:
    if authors is None:
        return "risk: high, and nobody recorded whose change it is"
    if not own:
        return ""
    made = f"{own[0]} is its author" if len(own) == 1 else f"{', '.join(own)} are its authors"
    return f"risk: high, and {made}"
