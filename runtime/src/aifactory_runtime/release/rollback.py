"""Back to the model that was champion before, with the code that belongs to it, in one command."""

from __future__ import annotations

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry.port import CHAMPION, Version
from aifactory_runtime.release import activation, exclusive, tags
from aifactory_runtime.release.run import Outcome
from aifactory_runtime.release.side import Side

_WAS_CHAMPION = frozenset({tags.RETIRED, tags.WITHDRAWN, CHAMPION})
_NOT_AGAIN = frozenset({tags.WITHDRAWN, tags.FAILED})


def rollback(side: Side, number: int | None) -> Outcome:
    """Make version `number`, or the champion before this one, champion again and have it served.

    Killed anywhere, a second call finishes it. FactoryError when there is nothing to go back to, the version never was
    champion here, its code cannot be had, or a release or another rollback runs here.
    """
    side.refuse_retired()
    with exclusive.held(side.contract):
        return _rolled_back(side, number)


def _rolled_back(side: Side, number: int | None) -> Outcome:
    champion = side.registry.by_alias(CHAMPION)
    if champion is None:
        raise FactoryError(f"nothing is released in {side.name} yet, so there is nothing to roll back")
    wanted = _half_done(side, champion, number) or _wanted(side, champion, number)
    changed = wanted.number != champion.number
    if changed:
        activation.prepare(side, wanted)
        _move(side, champion, wanted)
    if wanted.tags.get(tags.STAGE) != CHAMPION:  # also when an earlier call was killed before it said so
        side.registry.set_tag(wanted.number, tags.STAGE, CHAMPION)
    if not activation.is_active(side, wanted):
        activation.activate(side, wanted)
        changed = True
    activation.wait_until_served(side, wanted)
    return Outcome(side.name, wanted.number, wanted.model_sha256, wanted.tags[tags.COMMIT], changed)


def _half_done(side: Side, champion: Version, number: int | None) -> Version | None:
    """The champion itself, when a rollback to it was killed before it was served."""
    document = side.serving.known()
    if number is not None or document is None or document.champion is None:
        return None
    if document.champion.sha256 == champion.model_sha256:
        return None
    still = side.registry.version(int(document.champion.version))
    return champion if still.tags.get(tags.STAGE) == tags.WITHDRAWN else None


def _wanted(side: Side, champion: Version, number: int | None) -> Version:
    """The version to go back to."""
    if number is not None:
        found = side.registry.version(number)
        if found.tags.get(tags.STAGE) not in _WAS_CHAMPION | {tags.TESTED}:
            raise FactoryError(
                f"version {number} was never champion in {side.name}, so there is no way back to it: release it"
            )
        return found
    before = champions.before(side.registry, champion, _NOT_AGAIN)
    if before is None:
        raise FactoryError(
            f"{side.name} has no earlier champion to go back to: all before version {champion.number} failed or were "
            "rolled back. To go to one of them all the same, name one with --to"
        )
    return before


def _move(side: Side, champion: Version, wanted: Version) -> None:
    """Write the audit line and mark the present champion first: then no release in between brings it back.

    To go to a version that was itself rolled back is a step forward: it then replaces the present champion.
    """
    forward = wanted.tags.get(tags.STAGE) == tags.WITHDRAWN
    facts = {
        "model": side.contract.model_name,
        "version": wanted.number,
        "model_sha256": wanted.model_sha256,
        "before": champion.number,
        "before_sha256": champion.model_sha256,
        "commit": wanted.tags.get(tags.COMMIT),
    }
    side.audit("rolled back", facts)
    if forward:
        side.registry.set_tag(wanted.number, tags.PREVIOUS, str(champion.number))
    side.registry.set_tag(champion.number, tags.STAGE, tags.RETIRED if forward else tags.WITHDRAWN)
    side.registry.set_alias(CHAMPION, wanted.number)
