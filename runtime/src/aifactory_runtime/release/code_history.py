"""Which commits of code a version was released with in one environment: a release is a model and a commit of code.

The commits are tags of the version, so they are in the registry as the alias is: `released_with` holds those since it
last became champion, oldest first; the last one is served, also when serving.json was lost. A version without it is
served with the code that it was trained from.
"""

from __future__ import annotations

from aifactory_runtime.pipeline.reproduction import provenance, same_science
from aifactory_runtime.registry.port import Version
from aifactory_runtime.release import tags
from aifactory_runtime.release.side import Side

_KEPT = 50
"""A tag of MLflow holds some thousand characters."""


def current(version: Version) -> str:
    """The commit of code that the version is served with."""
    released = _list(version, tags.RELEASED_WITH)
    return released[-1] if released else version.tags[tags.COMMIT]


def before(version: Version) -> str | None:
    """The commit that it was served with before; None when there was none since it became champion."""
    released = _list(version, tags.RELEASED_WITH)
    return released[-2] if len(released) > 1 else None


def has(version: Version, tag: str, commit: str) -> bool:
    """Whether `commit` is among those that `tag` lists: taken back, or failed the test."""
    return commit in _list(version, tag)


def lock(side: Side, version: Version, commit: str) -> str:
    """Digest of the locks of `commit`, whose snapshot is extracted."""
    if commit == version.tags[tags.COMMIT]:
        return version.tags[tags.LOCK]
    return provenance.lock_sha256(side.project.root if side.embedded else side.snapshots.of(commit))


def code(side: Side, version: Version, commit: str) -> str:
    """Digest of the modules of `commit`; empty when its snapshot is not extracted."""
    if commit == version.tags[tags.COMMIT]:
        return version.tags[tags.CODE]
    root = side.project.root if side.embedded else side.snapshots.of(commit)
    return provenance.code_sha256(root, side.project.manifest.package) if root.is_dir() else ""


def begin(side: Side, version: Version, commit: str) -> None:
    """The version becomes champion, with the code of `commit`."""
    _release(side, version, [commit])


def go_on(side: Side, version: Version, commit: str) -> None:
    """The champion is served with the code of `commit` from now on."""
    if current(version) == commit:
        return
    # With nothing provisioned the code is what the folder holds: there is none to go back to.
    released = [] if side.embedded else _list(version, tags.RELEASED_WITH) or [version.tags[tags.COMMIT]]
    _release(side, version, [*released, commit])


def step_back(side: Side, version: Version, mark: str) -> Version:
    """Serve with the commit before again; the one until now gets into the list of tag `mark`, which says why."""
    *released, last = _list(version, tags.RELEASED_WITH)
    add(side, version, mark, last)
    side.registry.set_tag(version.number, tags.RELEASED_WITH, " ".join(released))
    return side.registry.version(version.number)


def add(side: Side, version: Version, tag: str, commit: str) -> None:
    """Add `commit` to those that `tag` lists."""
    listed = [*(one for one in _list(version, tag) if one != commit), commit]
    side.registry.set_tag(version.number, tag, " ".join(listed[-_KEPT:]))


def _release(side: Side, version: Version, commits: list[str]) -> None:
    for tag in (tags.TAKEN_BACK, tags.FAILED_WITH):  # what is released again is neither any more
        listed = _list(version, tag)
        if commits[-1] in listed:
            left = " ".join(one for one in listed if one != commits[-1])
            side.registry.set_tag(version.number, tag, left)
    root, package = side.project.root, side.project.manifest.package
    for tag, value in same_science.recorded(version.tags, root, package).items():
        if tag not in version.tags:  # for who has no git: services and schedules
            side.registry.set_tag(version.number, tag, value)
    side.registry.set_tag(version.number, tags.RELEASED_WITH, " ".join(commits[-_KEPT:]))


def _list(version: Version, tag: str) -> list[str]:
    return version.tags.get(tag, "").split()
