"""Whose change a registered version is: people, as its tag names them. Who typed a commit is never asked.

A person is named by their login in the environment, without use case and environment, or by their login at the forge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aifactory_runtime.registry.port import AUTHORS

Authors = frozenset[str] | None
"""People; None where nobody recorded who they are, as in versions from before there was the tag."""


def of_tags(tags: Mapping[str, object]) -> Authors:
    """The people that the tags of a version name."""
    return frozenset(str(tags.get(AUTHORS, "")).split()) or None


def tag(people: Authors) -> dict[str, str]:
    """The tag that names these people; none for nobody."""
    return {AUTHORS: " ".join(sorted(people))} if people else {}


def all_of(several: Iterable[Authors]) -> Authors:
    """Everybody of several changes; None when those of one of them are not known, or there is none."""
    found: frozenset[str] = frozenset()
    for people in several:
        if people is None:
            return None
        found |= people
    return found or None
