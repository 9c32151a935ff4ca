"""What has to be the same in every process of a cluster: Python, the packages it speaks with, the released code."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from types import MappingProxyType
from typing import NamedTuple

PACKAGES = ("dask", "distributed", "cloudpickle", "msgpack", "numpy", "pandas", "pyarrow")
RELEASED = "AIFACTORY_RELEASED"
"""Variable of a worker that says which commit and which lock it was started from, as `Released.text` writes them."""
_SHOWN = 12


class Released(NamedTuple):
    """A commit and the digest of the locks that its environment is made from."""

    commit: str
    lock_sha256: str

    @property
    def text(self) -> str:
        """As it stands in the variable."""
        return f"{self.commit}:{self.lock_sha256}"


class Facts(NamedTuple):
    """One process, by name of what has to be equal and its version; a package that is missing has none."""

    versions: tuple[tuple[str, str], ...]
    released: str

    @property
    def by_name(self) -> Mapping[str, str]:
        """Versions, and commit and lock where they are known."""
        commit, _, lock = self.released.partition(":")
        return MappingProxyType({**dict(self.versions), "commit": commit, "lock": lock})


def here(released: Released | None = None) -> Facts:
    """Those of this process, which runs `released`; without it what its variable says."""
    return Facts(_versions(), released.text if released is not None else os.environ.get(RELEASED, ""))


def differences(wanted: Facts, found: Facts) -> list[str]:
    """A phrase for each fact in which `found` differs from `wanted`; a commit is compared where `wanted` names one."""
    if wanted == found:
        return []
    ours, theirs = wanted.by_name, found.by_name
    return [
        f"{name} {_short(name, theirs.get(name, ''))} instead of {_short(name, value)}"
        for name, value in ours.items()
        if theirs.get(name, "") != value and not (name in ("commit", "lock") and not value)
    ]


def _short(name: str, value: str) -> str:
    if not value:
        return "none"
    return value[:_SHOWN] if name in ("commit", "lock") else value


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    return (("python", platform.python_version()), *((name, _version(name)) for name in PACKAGES))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
