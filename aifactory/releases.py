"""What the factory has released: releases.toml (version, commit, date) and CHANGELOG.md, as text in and records out."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

from aifactory_runtime.errors import FactoryError

FILE = "releases.toml"
CHANGELOG = "CHANGELOG.md"
UNRELEASED = "Unreleased"
_HEAD = """\
# One entry a release, oldest first, written by `make release`. `commit` is the commit that carries the tag v<version>;
# its entry is in the commit after it. A clone without tags finds a release here.
"""
_FINAL = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Release:
    """A version of tool, runtime and template, which are one."""

    version: str
    commit: str
    date: datetime.date

    @property
    def tag(self) -> str:
        """Name of its tag."""
        return f"v{self.version}"


def number(version: str) -> tuple[int, int, int]:
    """`version` as numbers that can be compared. FactoryError unless it is written as 1.2.3."""
    found = _FINAL.fullmatch(version)
    if found is None:
        raise FactoryError(f"{version!r} is not a version: three whole numbers, as in 0.2.0")
    major, minor, patch = found.groups()
    return int(major), int(minor), int(patch)


def is_release(version: str) -> bool:
    """Whether code of this version is a release; between two of them it ends in .dev0."""
    return _FINAL.fullmatch(version) is not None


def read(text: str) -> tuple[Release, ...]:
    """The releases that the text of releases.toml names, oldest first."""
    try:
        entries = tomllib.loads(text).get("release", [])
        return tuple(Release(entry["version"], entry["commit"], entry["date"]) for entry in entries)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise FactoryError(f"{FILE} cannot be read: {error}") from None


def of_tags(tags: Iterable[tuple[str, str, str]]) -> tuple[Release, ...]:
    """The releases that tags name, oldest first: name (v1.2.3), commit, day; other tags are none."""
    return united(
        Release(tag.removeprefix("v"), commit, datetime.date.fromisoformat(day))
        for tag, commit, day in tags
        if tag.startswith("v") and is_release(tag.removeprefix("v"))
    )


def united(*known: Iterable[Release]) -> tuple[Release, ...]:
    """Releases from several places, oldest first; what an earlier place says of a version counts."""
    by_version = {one.version: one for place in reversed(known) for one in place}
    return tuple(sorted(by_version.values(), key=lambda one: number(one.version)))


def write(releases: Iterable[Release]) -> str:
    """The text of releases.toml."""
    entries = (
        f'\n[[release]]\nversion = "{one.version}"\ncommit = "{one.commit}"\ndate = {one.date.isoformat()}\n'
        for one in releases
    )
    return _HEAD + "".join(entries)


def sections(changelog: str) -> dict[str, str]:
    """The text of each section of CHANGELOG.md by its version, newest first; `Unreleased` is one of them."""
    parts = _SECTION.split(changelog)
    return {heading.split()[0]: body.strip() for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def close_section(changelog: str, release_version: str, date: datetime.date) -> str:
    """CHANGELOG.md with its unreleased section named for the release, and an empty one above it."""
    heading = f"## {UNRELEASED}\n"
    return changelog.replace(heading, f"{heading}\n## {release_version} ({date.isoformat()})\n", 1)


def between(changelog: str, after: str, upto: str) -> str:
    """What CHANGELOG.md says of the releases newer than `after`, up to and with `upto`; newest first."""
    low, high = number(after), number(upto)
    wanted = [
        f"## {version}\n\n{body}"
        for version, body in sections(changelog).items()
        if is_release(version) and low < number(version) <= high
    ]
    return "\n\n".join(wanted)
