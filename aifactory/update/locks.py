"""The owner's packages beside the factory's lock: resolved again when that changes, refused when both cannot be had."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from aifactory.provision import uv
from aifactory_runtime.errors import UsageProblem

WANTED = "requirements/science.in"
LOCKED = "requirements/science.txt"
FACTORYS = "requirements/factory-dev.txt"
NEEDED = (WANTED, LOCKED, FACTORYS, "Makefile")
"""What resolving reads; the Makefile's target `lock` does it, for people and for us."""
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Resolved:
    """The owner's lock after an update, and what is to be said about it."""

    locked: bytes | None
    """None when it stays as it is."""
    note: str | None = None


def pins(lock: str) -> dict[str, str]:
    """Version by package of a lock; the last where markers choose between several."""
    return {canonicalize_name(name): version for name, version in _PIN.findall(lock)}


def refuse_opposed(wanted: str, factorys: str, version: str) -> None:
    """UsageProblem when the owner's file asks for a version that the factory's lock of `version` does not have."""
    pinned = pins(factorys)
    for number, requirement in _requirements(wanted):
        fixed = pinned.get(canonicalize_name(requirement.name))
        if fixed is not None and not requirement.specifier.contains(fixed, prereleases=True):
            raise UsageProblem(
                f"{WANTED}:{number} wants {requirement}, and the factory's lock of {version} pins {requirement.name} "
                f"{fixed}: let {WANTED} take that version, commit, then update again"
            )


def resolve(folder: Path, version: str) -> Resolved:
    """Resolve the owner's packages on top of the factory's lock in `folder`, which holds the files that are NEEDED.

    UsageProblem when the two cannot be solved together; a note when nobody could be asked, as without a network.
    """
    before = (folder / LOCKED).read_bytes()
    refuse_opposed((folder / WANTED).read_text(), (folder / FACTORYS).read_text(), version)
    done = subprocess.run(
        ["make", "--no-print-directory", "lock", f"UV={uv.executable()}"],
        cwd=folder, env=_scrubbed(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        if "No solution found" in done.stderr:
            said = " ".join(done.stderr.split())
            raise UsageProblem(f"{WANTED} and the factory's lock of {version} cannot be solved together: {said[-300:]}")
        last = (done.stderr.strip().splitlines() or ["uv said nothing"])[-1]
        return Resolved(None, f"{LOCKED} could not be resolved ({last.strip()}): run make lock before you commit")
    after = (folder / LOCKED).read_bytes()
    if after == before:
        return Resolved(None)
    return Resolved(after, f"{LOCKED} was resolved again: {_difference(before.decode(), after.decode())}")


def _requirements(text: str) -> Iterator[tuple[int, Requirement]]:
    """Line number and requirement; lines that are options or comments are none."""
    for number, line in enumerate(text.splitlines(), start=1):
        stated = line.split(" #")[0].strip()
        if stated and not stated.startswith(("#", "-")):
            try:
                yield number, Requirement(stated)
            except InvalidRequirement as error:
                raise UsageProblem(f"{WANTED}:{number} is not a requirement: {str(error).splitlines()[0]}") from None


def asks_for_something(wanted: str) -> bool:
    """Whether the owner's file names any package."""
    return any(True for _ in _requirements(wanted))


def _difference(before: str, after: str) -> str:
    old, new = pins(before), pins(after)
    changed = [
        f"{name} {old.get(name, 'new')} to {new.get(name, 'the factory has it')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    return ", ".join(changed) or "hashes only"


def _scrubbed(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment without what an outer make would hand on."""
    return {key: value for key, value in variables.items() if key not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
