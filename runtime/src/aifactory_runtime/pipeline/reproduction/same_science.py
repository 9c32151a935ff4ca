"""Whether a registered model is of the science that is here, whichever commit either of them is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from aifactory_runtime.pipeline.reproduction import provenance, science
from aifactory_runtime.pipeline.reproduction.science import Science
from aifactory_runtime.registry.port import CODE, COMMIT, DIRTY, LOCK, NUMERIC, SAME_ANSWERS, SCIENCE

_SHORT = 12


class Likeness(Enum):
    """How the science of a version is to that of here."""

    SAME = "the same, or found to answer the same"
    NUMERIC = "the same but for numeric packages, whose answers nobody has compared"
    OTHER = "other"
    UNKNOWN = "nobody can tell"


class State(Protocol):
    """What a folder holds; a run's provenance is one."""

    @property
    def code_sha256(self) -> str:
        """Digest of the package's and the runtime's modules."""

    @property
    def lock_sha256(self) -> str:
        """Digest of both locks."""

    @property
    def science(self) -> Science:
        """What it trains with."""


@dataclass(frozen=True)
class _Folder:
    code_sha256: str
    lock_sha256: str
    science: Science


def here(root: Path, package: str) -> State:
    """What the folder at `root` holds now."""
    code, lock = provenance.code_sha256(root, package), provenance.lock_sha256(root)
    return _Folder(code, lock, science.of_folder(root, package))


def recorded(tags: Mapping[str, str], root: Path, package: str) -> dict[str, str]:
    """The tags that say which science a version was trained with; empty when neither they nor git at `root` know it.

    A version from before there was a digest has it from git, at its commit, unless its files were not committed.
    """
    if SCIENCE in tags or tags.get(DIRTY) == "true" or COMMIT not in tags:
        return {key: tags[key] for key in (SCIENCE, NUMERIC) if key in tags}
    found = science.of_commit(root, tags[COMMIT], package)
    return {} if found is None else {SCIENCE: found.sha256, NUMERIC: found.numeric}


def likeness(tags: Mapping[str, str], here: Science, root: Path, package: str) -> Likeness:
    """How a version of these tags is to what is `here`.

    Digests that releases up to 0.2.0 wrote hold the numeric packages too: those are compared as they were made.
    """
    known = recorded(tags, root, package)
    if not known:
        return Likeness.UNKNOWN
    if known[SCIENCE] == here.before:
        return Likeness.SAME
    if known[SCIENCE] != here.sha256:
        return Likeness.OTHER
    agreed = here.numeric_sha256 in tags.get(SAME_ANSWERS, "").split()
    return Likeness.SAME if agreed or known.get(NUMERIC) == here.numeric else Likeness.NUMERIC


def why_not(tags: Mapping[str, str], here: State, root: Path, package: str) -> str | None:
    """Why a version of these tags does not belong to what is `here`, in a clause; None when it does.

    Where its science digest is not to be had, code and locks have to be equal to the byte.
    """
    commit = tags.get(COMMIT, "")[:_SHORT]
    found = likeness(tags, here.science, root, package)
    if found is Likeness.OTHER:
        return f"it was trained with other science (commit {commit}): check that commit out, or train again"
    if found is Likeness.NUMERIC:
        return with_other_packages(recorded(tags, root, package), here.science)
    if found is Likeness.SAME or (tags.get(CODE), tags.get(LOCK)) == (here.code_sha256, here.lock_sha256):
        return None
    return (
        f"it was trained with other code or locks (commit {commit}), and without that commit nobody can tell whether "
        "only operations changed: git fetch it, then run this again"
    )


def with_other_packages(tags: Mapping[str, str], here: Science) -> str:
    """Why a version that is the same but for numeric packages does not belong to what is `here`, and what to do."""
    found = science.changed(tags.get(NUMERIC, ""), here.numeric)
    return f"{found}: run the pipeline, which compares its answers and trains only where they differ"
