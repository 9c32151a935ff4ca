"""Which version is the champion: the one its alias is on, or before one that failed its test what was there."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from aifactory_runtime.registry.port import CHAMPION, FAILED, PREVIOUS, STAGE, Version


class Versions(Protocol):
    """What a look-up needs of a registry."""

    def version(self, number: int) -> Version:
        """One version; FactoryError when there is none of that number."""

    def by_alias(self, alias: str) -> Version | None:
        """The version an alias points at."""


def champion(registry: Versions) -> Version | None:
    """The champion. An alias cannot be deleted: on a failed version that nothing was before, it means none."""
    found = registry.by_alias(CHAMPION)
    return before(registry, found) if found is not None and did_fail(found) else found


def did_fail(version: Version | None) -> bool:
    """Whether the version's last test in its environment did not pass."""
    return version is not None and version.tags.get(STAGE) == FAILED


def before(registry: Versions, version: Version, passed_over: Collection[str] = frozenset({FAILED})) -> Version | None:
    """The version that `version` replaced; those of a stage that is `passed_over` do not count."""
    seen = {version.number}
    while (number := int(version.tags.get(PREVIOUS, 0))) and number not in seen:
        seen.add(number)
        version = registry.version(number)
        if version.tags.get(STAGE) not in passed_over:
            return version
    return None
