"""A candidate that failed the test in staging: putting back what was there before it."""

from __future__ import annotations

from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry.port import CHAMPION, Version
from aifactory_runtime.release import activation, code_history, tags
from aifactory_runtime.release.side import Side


def is_back(side: Side) -> bool:
    """Whether no failed champion is served, nor keeps the alias from one that was there before it; the same of code."""
    holder = side.registry.by_alias(CHAMPION)
    if holder is None:
        return True
    document = side.serving.known()
    served = document.champion if document else None
    is_served = served is not None and served.sha256 == holder.model_sha256
    if champions.did_fail(holder):
        return not is_served and champions.before(side.registry, holder) is None
    commits = {code_history.current(holder)} | ({served.commit} if served and is_served else set())
    return not any(code_history.has(holder, tags.FAILED_WITH, commit) for commit in commits)


def put_back(side: Side) -> Version | None:
    """Serve again what was there before the failed champion, or before its failed code; None when that is nothing."""
    holder = side.registry.by_alias(CHAMPION)
    if holder is not None and not champions.did_fail(holder) and _failed_code(holder):
        code_history.step_back(side, holder, tags.FAILED_WITH)
    wanted = champions.champion(side.registry)
    if wanted is None:
        activation.deactivate(side)
        activation.wait_until_withdrawn(side)
        return None
    activation.prepare(side, wanted)
    if wanted.tags.get(tags.STAGE) not in (CHAMPION, tags.TESTED):
        side.registry.set_tag(wanted.number, tags.STAGE, tags.TESTED)
    side.registry.set_alias(CHAMPION, wanted.number)
    activation.activate(side, wanted)
    activation.wait_until_served(side, wanted)
    return wanted


def _failed_code(champion: Version) -> bool:
    """Whether the code did not pass that a champion is served with; the model did, with the code before."""
    return code_history.has(champion, tags.FAILED_WITH, code_history.current(champion))
