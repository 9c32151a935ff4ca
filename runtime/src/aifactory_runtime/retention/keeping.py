"""What people asked to keep: lines of the audit log, so who asked for it and why is chained with all else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from aifactory_runtime.audit import log
from aifactory_runtime.errors import UsageProblem
from aifactory_runtime.retention.rules import Kept

KEEP, END = "keep", "keep ended"
"""Actions of the audit log."""


@dataclass(frozen=True)
class Keep:
    """One thing that a person keeps."""

    kind: str
    name: str
    why: str
    who: str
    since: str


def held(audit: Path) -> list[Keep]:
    """What is kept now, in the order it was asked for; FactoryError when the audit log is damaged."""
    return _fold(log.read(audit))


def kept(audit: Path) -> Kept:
    """As the rules take it."""
    found = held(audit)

    def named(kind: str) -> list[str]:
        return [one.name for one in found if one.kind == kind]

    return Kept(
        runs=frozenset(named("run")),
        versions=frozenset(map(int, named("version"))),
        days=frozenset(map(date.fromisoformat, named("day"))),
    )


def begin(audit: Path, kind: str, name: str, why: str, who: str) -> None:
    """Keep it from now on. `kind` is run, version or day, and `name` as `kept` reads it."""
    log.append(audit, KEEP, who, {"kind": kind, "name": name, "why": why})


def end(audit: Path, kind: str, name: str, why: str, who: str) -> None:
    """Keep it no longer; UsageProblem when nobody does."""
    if not any((one.kind, one.name) == (kind, name) for one in held(audit)):
        raise UsageProblem(f"nobody keeps {kind} {name}: keep lists what is kept")
    log.append(audit, END, who, {"kind": kind, "name": name, "why": why})


def _fold(entries: Iterable[Mapping[str, Any]]) -> list[Keep]:
    found: dict[tuple[str, str], Keep] = {}
    for entry in entries:
        facts = entry["facts"]
        if entry["action"] == KEEP:
            key = (facts["kind"], facts["name"])
            found[key] = Keep(*key, facts["why"], entry["who"], entry["time"])
        elif entry["action"] == END:
            found.pop((facts["kind"], facts["name"]), None)
    return list(found.values())
