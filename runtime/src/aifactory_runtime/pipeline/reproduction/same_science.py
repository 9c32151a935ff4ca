"""Whether a registered model is of the science that is here, whichever commit either of them is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aifactory_runtime.pipeline.reproduction import provenance, science
from aifactory_runtime.registry.port import CODE, COMMIT, DIRTY, LOCK, SCIENCE

_SHORT = 12


class State(Protocol):
    """What a folder holds; a run's provenance is one."""

    @property
    def code_sha256(self) -> str:
        """Digest of the package's and the runtime's modules."""

    @property
    def lock_sha256(self) -> str:
        """Digest of both locks."""

    @property
    def science_sha256(self) -> str:
        """The science digest."""


@dataclass(frozen=True)
class _Folder:
    code_sha256: str
    lock_sha256: str
    science_sha256: str


def here(root: Path, package: str) -> State:
    """What the folder at `root` holds now."""
    code, lock = provenance.code_sha256(root, package), provenance.lock_sha256(root)
    return _Folder(code, lock, science.of_folder(root, package))


def of_version(tags: Mapping[str, str], root: Path, package: str) -> str | None:
    """Science digest of what a version was trained with; None when neither its tags nor git at `root` know it.

    A version from before there was a digest has it from git, at its commit, unless its files were not committed.
    """
    if SCIENCE in tags or tags.get(DIRTY) == "true" or COMMIT not in tags:
        return tags.get(SCIENCE)
    return science.of_commit(root, tags[COMMIT], package)


def why_not(tags: Mapping[str, str], here: State, root: Path, package: str) -> str | None:
    """Why a version of these tags does not belong to what is `here`, in a clause; None when it does.

    Where its science digest is not to be had, code and locks have to be equal to the byte.
    """
    commit = tags.get(COMMIT, "")[:_SHORT]
    known = of_version(tags, root, package)
    if known is not None:
        other = f"it was trained with other science (commit {commit}): check that commit out, or train again"
        return None if known == here.science_sha256 else other
    if (tags.get(CODE), tags.get(LOCK)) == (here.code_sha256, here.lock_sha256):
        return None
    return (
        f"it was trained with other code or locks (commit {commit}), and without that commit nobody can tell whether "
        "only operations changed: git fetch it, then run this again"
    )
