"""The owner's packages beside the factory's lock: resolved again when that changes, refused when both cannot be had."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from aifactory.provision import uv
from aifactory_runtime.config import network, outer
from aifactory_runtime.errors import UsageProblem

WANTED = "requirements/science.in"
LOCKED = "requirements/science.txt"
FACTORYS = "requirements/factory-dev.txt"
NEEDED = (WANTED, LOCKED, FACTORYS, "Makefile")
"""What resolving reads; the Makefile's target `lock` does it, for people and for us."""
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)(?:[ ]*;[ ]*([^\n\\]+))?", re.MULTILINE)
_OPTION = re.compile(r"\s--\w.*")
_ASKS = re.compile(r"(?:-r|--requirement|-e|--editable)\b")
_PLACE = re.compile(r"[/\\]|\.(?:whl|zip|tar\.\w+)\b")
"""What an address or a path has, and the name of a package has not."""
_UNSOLVABLE = ("No solution found", "Couldn't parse requirement")
_SHOWN = 300


@dataclass(frozen=True)
class Resolved:
    """The owner's lock after an update, and what is to be said about it."""

    locked: bytes | None
    """None when it stays as it is."""
    note: str | None = None


def pins(lock: str) -> dict[str, str]:
    """Version by package of a lock; the last where markers choose between several."""
    return {canonicalize_name(name): version for name, version, _marker in _PIN.findall(lock)}


def refuse_opposed(wanted: str, factorys: str, version: str) -> None:
    """UsageProblem when the owner's file asks for a version that the factory's lock of `version` does not have.

    A line whose marker does not hold on this machine is left to uv, which knows all machines; so is an address or path.
    """
    pinned = [
        Requirement(f"{name}=={fixed}; {marker}" if marker else f"{name}=={fixed}")
        for name, fixed, marker in _PIN.findall(factorys)
    ]
    here = {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in pinned if _holds(one)}
    for number, stated in _lines(wanted):
        requirement = _requirement(number, stated)
        fixed = here.get(canonicalize_name(requirement.name)) if requirement and _holds(requirement) else None
        if requirement and fixed is not None and not requirement.specifier.contains(fixed, prereleases=True):
            raise UsageProblem(
                f"{WANTED}:{number} wants {requirement}, and the factory's lock of {version} pins {requirement.name} "
                f"{fixed}: let {WANTED} take that version, commit, then update again"
            )


def resolve(folder: Path, version: str) -> Resolved:
    """Resolve the owner's packages on top of the factory's lock in `folder`, which holds the files that are NEEDED.

    UsageProblem when the two cannot be solved together; a note when nobody could be asked, as without a network.
    """
    before = (folder / LOCKED).read_bytes()
    refuse_opposed(_text(folder / WANTED), _text(folder / FACTORYS), version)
    done = subprocess.run(
        ["make", "--no-print-directory", "lock", f"UV={uv.executable()}"],
        cwd=folder, env=outer.for_a_repo(os.environ), capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        said = network.without_logins(" ".join(done.stderr.split())) or "uv said nothing"
        if any(words in said for words in _UNSOLVABLE):
            raise UsageProblem(
                f"{WANTED} and the factory's lock of {version} cannot be solved together: {said[-_SHOWN:]}"
            )
        return Resolved(None, f"{LOCKED} could not be resolved ({said[:_SHOWN]}): run make lock before you commit")
    after = (folder / LOCKED).read_bytes()
    if after == before:
        return Resolved(None)
    return Resolved(after, f"{LOCKED} was resolved again: {_difference(before.decode(), after.decode())}")


def asks_for_something(wanted: str) -> bool:
    """Whether the owner's file names any package, or another file that may."""
    return any(_ASKS.match(stated) or not stated.startswith("-") for _number, stated in _lines(wanted))


def names_files(wanted: str) -> bool:
    """Whether a line of the owner's file may name another file of the repo, which resolving then needs."""
    return any(stated.startswith("-") or _PLACE.search(stated) for _number, stated in _lines(wanted))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line that says something; what a backslash goes on with belongs to it."""
    begun, number = "", 0
    for at, line in enumerate(text.splitlines(), start=1):
        number = number if begun else at
        begun += line.removesuffix("\\")
        if line.endswith("\\"):
            continue
        stated = re.sub(r"(?:^|\s)#.*", "", begun).strip()
        begun = ""
        if stated:
            yield number, stated


def _requirement(number: int, stated: str) -> Requirement | None:
    """What a line asks for by name; None for an option, an address or a path. UsageProblem for anything else."""
    if stated.startswith("-"):
        return None
    try:
        return Requirement(_OPTION.sub("", stated))
    except InvalidRequirement as error:
        if _PLACE.search(stated) or "${" in stated:
            return None
        raise UsageProblem(f"{WANTED}:{number} is not a requirement: {str(error).splitlines()[0]}") from None


def _holds(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _difference(before: str, after: str) -> str:
    old, new = pins(before), pins(after)
    changed = [
        f"{name} {old.get(name, 'new')} to {new.get(name, 'the factory has it')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    return ", ".join(changed) or "hashes only"
