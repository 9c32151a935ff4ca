"""Back to the release before this one in one command: the model and the commit of code that it was served with."""

from __future__ import annotations

from aifactory_runtime.errors import FactoryError
from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry.port import CHAMPION, Version
from aifactory_runtime.release import activation, code_history, exclusive, live_test, tags
from aifactory_runtime.release.run import Outcome
from aifactory_runtime.release.side import Side

_WAS_CHAMPION = frozenset({tags.RETIRED, tags.WITHDRAWN, CHAMPION})
_NOT_AGAIN = frozenset({tags.WITHDRAWN, tags.FAILED})


def rollback(side: Side, number: int | None) -> Outcome:
    """Make version `number`, or the release before this one, what is served again.

    A champion that was released with several commits of code goes back to the code before first.

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
    half_done = _half_done(side, champion, number)
    changed = half_done is None and number is None and code_history.before(champion) is not None
    earlier = champion if changed else half_done or _wanted(side, champion, number)
    live_test.end_running(side, "the champion that it was tried against was rolled back")
    wanted = _code_before(side, champion) if changed else earlier
    if wanted.number != champion.number:
        changed = True
        activation.prepare(side, wanted)
        _move(side, champion, wanted)
    if wanted.tags.get(tags.STAGE) != CHAMPION:  # also when an earlier call was killed before it said so
        side.registry.set_tag(wanted.number, tags.STAGE, CHAMPION)
    if not activation.is_active(side, wanted):
        activation.activate(side, wanted)
        changed = True
    activation.wait_until_served(side, wanted)
    return Outcome(side.name, wanted.number, wanted.model_sha256, code_history.current(wanted), changed)


def _half_done(side: Side, champion: Version, number: int | None) -> Version | None:
    """The champion itself, when a rollback to it was killed before it was served."""
    document = side.serving.known()
    if number is not None or document is None or document.champion is None:
        return None
    if document.champion.sha256 == champion.model_sha256:
        served = document.champion.commit
        taken_back = served != code_history.current(champion) and code_history.has(champion, tags.TAKEN_BACK, served)
        return champion if taken_back else None
    still = side.registry.version(int(document.champion.version))
    return champion if still.tags.get(tags.STAGE) == tags.WITHDRAWN else None


def _code_before(side: Side, champion: Version) -> Version:
    """The champion with the code that it was served with before; what takes time and may fail comes first."""
    before, now = code_history.before(champion) or "", code_history.current(champion)
    activation.prepare_code(side, champion, before)
    side.audit("rolled back", _facts(side, champion, before) | {"before": champion.number, "before_code_commit": now})
    return code_history.step_back(side, champion, tags.TAKEN_BACK)


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
    facts = _facts(side, wanted, code_history.current(wanted))
    side.audit("rolled back", facts | {"before": champion.number, "before_sha256": champion.model_sha256})
    if forward:
        side.registry.set_tag(wanted.number, tags.PREVIOUS, str(champion.number))
    side.registry.set_tag(champion.number, tags.STAGE, tags.RETIRED if forward else tags.WITHDRAWN)
    side.registry.set_alias(CHAMPION, wanted.number)


def _facts(side: Side, version: Version, code_commit: str) -> dict[str, object]:
    return {
        "model": side.contract.model_name,
        "version": version.number,
        "model_sha256": version.model_sha256,
        "commit": version.tags.get(tags.COMMIT),
        "code_commit": code_commit,
    }
