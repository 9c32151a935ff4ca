"""A candidate that failed the test in staging: putting back what was there before it."""

from __future__ import annotations

from aifactory_runtime.registry import champion as champions
from aifactory_runtime.registry.port import CHAMPION, Version
from aifactory_runtime.release import activation, code_history, tags
from aifactory_runtime.release.side import Side


def is_back(side: Side) -> bool:
    """Whether no failed champion is served, nor keeps the alias from one that was there before it."""
    holder = side.registry.by_alias(CHAMPION)
    if holder is None:
        return True
    document = side.serving.known()
    commit = document.champion.commit if document and document.champion else ""
    if not champions.did_fail(holder):
        failed = (code_history.current(holder), commit)
        return not any(code_history.has(holder, tags.FAILED_WITH, one) for one in failed)
    served = document.champion.sha256 if document and document.champion else None
    return served != holder.model_sha256 and champions.before(side.registry, holder) is None


def put_back(side: Side) -> Version | None:
    """Serve again what was there before the failed champion, or before its failed code; None when that is nothing."""
    holder = side.registry.by_alias(CHAMPION)
    if holder is not None and code_history.has(holder, tags.FAILED_WITH, code_history.current(holder)):
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
