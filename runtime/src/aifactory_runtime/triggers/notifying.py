"""People are told at the end of a tick: of what it found, of what others found, and again of what waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.triggers.here import Here

NAME = "notify"
"""Names it among the chores of a tick."""
_SOON = timedelta(minutes=1)


@dataclass(frozen=True)
class Notified:
    """What came of it."""

    told: tuple[str, ...] = ()
    """The title of each new message."""
    troubles: tuple[str, ...] = ()
    """A line for each thing that went wrong: the messages wait, and are sent by a later tick."""
    again: datetime | None = None
    """When there is more to tell, though nothing happens until then."""
    worked: bool = True
    """Whether nothing went wrong, and no channel has still to take what it failed to take before."""


def notify(here: Here) -> Notified:
    """Tell the channels of the environment what is due. A failure is a trouble and never ends the tick."""
    if not here.contract.notify:
        return Notified()
    from aifactory_runtime.notify import sending

    soon = datetime.now(UTC) + _SOON
    try:
        done = sending.tell(here.contract)
    except files.Busy:
        return Notified(again=soon, worked=False)  # it may have begun before what this tick found
    except FactoryError as error:
        return Notified(troubles=(str(error).partition("\n")[0],), again=soon, worked=False)
    failing = bool(done.troubles) or any(failure is not None for *_, failure in done.waiting)
    return Notified(tuple(one.title for one in done.told), tuple(done.troubles), done.again, worked=not failing)
