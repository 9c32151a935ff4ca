"""What the audit logs say of a release: its own lines, and the log up to its head, so that the chain can be walked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aifactory_runtime.audit import log
from aifactory_runtime.evidence.bundle import Part, json_part
from aifactory_runtime.registry.port import Version

_DIGESTS = ("model_sha256", "aifactory.model_sha256")
_OF_GATE = frozenset({"gate certified", "gate certificate withdrawn"})


def parts(environment: str, folder: Path, version: Version) -> tuple[list[Part], str | None]:
    """Two parts of one environment, and what is wrong with its log, None when its chain holds.

    The log goes whole: each line holds the digest of the one before it, so that one left out would break the proof.
    """
    path, found = folder / log.FILE, log.verify(folder)
    content = path.read_bytes() if path.exists() else b""
    if found.problem is None:  # else the auditor sees what is there
        content = b"".join(content.splitlines(keepends=True)[: found.lines])
    lines = log.read(folder)[: found.lines] if found.problem is None else []
    selected = {"head": found.head, "lines": [line for line in lines if is_of(line, version)]}
    where = f"audit log of {environment}"
    return [
        json_part(
            f"audit/{environment}/release.json", selected, f"lines of the {where} about this release, and its head"
        ),
        Part(
            f"audit/{environment}/{log.FILE}", content, f"the {where}: each line holds the sha256 of the one before it"
        ),
    ], None if found.problem is None else f"{where}: {found.problem}"


def is_of(line: Mapping[str, Any], version: Version) -> bool:
    """Whether a line is about the model of this version, or about the gate that lets models pass."""
    facts = line["facts"]
    return line["action"] in _OF_GATE or any(facts.get(key) == version.model_sha256 for key in _DIGESTS)
