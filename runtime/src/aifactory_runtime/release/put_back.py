"""A candidate that failed the test in staging: what was there before it, and putting that back."""

from __future__ import annotations

from collections.abc import Collection

from aifactory_runtime.registry.port import CHAMPION, Registry, Version
from aifactory_runtime.release import activation, tags
from aifactory_runtime.release.side import Side


def did_fail(version: Version | None) -> bool:
    """Whether the version's last test in its environment did not pass."""
    return version is not None and version.tags.get(tags.STAGE) == tags.FAILED


def champion(registry: Registry) -> Version | None:
    """The champion, or before a failed one, on which the alias stays when nothing was there before, none."""
    found = registry.by_alias(CHAMPION)
    return before(registry, found) if found is not None and did_fail(found) else found


def before(
    registry: Registry, version: Version, passed_over: Collection[str] = frozenset({tags.FAILED})
) -> Version | None:
    """The version that `version` replaced; those of a stage that is `passed_over` do not count."""
    seen = {version.number}
    while (number := int(version.tags.get(tags.PREVIOUS, 0))) and number not in seen:
        seen.add(number)
        version = registry.version(number)
        if version.tags.get(tags.STAGE) not in passed_over:
            return version
    return None


def is_back(side: Side) -> bool:
    """Whether no failed champion is served, nor keeps the alias from one that was there before it."""
    holder = side.registry.by_alias(CHAMPION)
    if holder is None or not did_fail(holder):
        return True
    document = side.serving.known()
    served = document.champion.sha256 if document and document.champion else None
    return served != holder.model_sha256 and before(side.registry, holder) is None


def put_back(side: Side) -> Version | None:
    """Serve again what was there before the failed champion, None when that is nothing."""
    wanted = champion(side.registry)
    if wanted is None:
        activation.deactivate(side)
        activation.wait_until_withdrawn(side)
        return None
    activation.prepare(side, wanted)
    side.registry.set_tag(wanted.number, tags.STAGE, tags.TESTED)
    side.registry.set_alias(CHAMPION, wanted.number)
    activation.activate(side, wanted)
    activation.wait_until_served(side, wanted)
    return wanted
