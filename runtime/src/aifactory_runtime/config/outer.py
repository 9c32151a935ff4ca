"""The environment for programs that we start, without what a git, make or Python around us would hand on."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

_GIT = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"),
)
"""Variables of a hook or of another work tree around us; the repo they name is none of ours."""
_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MAKEFILES", "MFLAGS")
_PYTHON = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")


def without_git(variables: Mapping[str, str]) -> dict[str, str]:
    """For git in a repo of our choice."""
    return _without(variables, _GIT)


def forget_git(variables: MutableMapping[str, str]) -> None:
    """For a whole process that a hook of git started, and for libraries of it that start git themselves."""
    for name in _GIT:
        variables.pop(name, None)


def for_a_repo(variables: Mapping[str, str]) -> dict[str, str]:
    """For a repo's own make, with its own git and its own Python."""
    return _without(variables, (*_GIT, *_MAKE, *_PYTHON))


def _without(variables: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in names}
