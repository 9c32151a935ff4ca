"""What the audit logs say of a release: its own lines, and the log up to its head, so that the chain can be walked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aifactory_runtime.audit import checking, log
from aifactory_runtime.contract import EnvironmentContract
from aifactory_runtime.evidence.bundle import Part, json_part
from aifactory_runtime.registry.port import Version

RELEASE, ANCHORED = "release.json", "anchored.json"
"""Parts about a log beside the log itself."""
_DIGESTS = ("model_sha256", "aifactory.model_sha256")
_OF_GATE = frozenset({"gate certified", "gate certificate withdrawn"})


@dataclass(frozen=True)
class Found:
    """Parts about one audit log, what is wrong with it, and why it was compared with no anchored head."""

    parts: Sequence[Part]
    problem: str | None
    unanchored: str | None


def name(environment: str, file: str) -> str:
    """Where a part about an environment's log lies in the bundle."""
    return f"audit/{environment}/{file}"


def found(environment: str, contract: EnvironmentContract, version: Version) -> Found:
    """What the log of one environment says, compared with the heads of it that are kept elsewhere.

    The log goes whole: each line holds the digest of the one before it, so that one left out would break the proof.
    """
    path, checked = Path(contract.audit_uri) / log.FILE, checking.check(contract)
    content = path.read_bytes() if path.exists() else b""
    if checked.chain.problem is None:  # else the auditor sees what is there
        content = b"".join(content.splitlines(keepends=True)[: checked.chain.lines])
    selected = {"head": checked.chain.head, "lines": [line for line in checked.entries if is_of(line, version)]}
    where = f"audit log of {environment}"
    parts = [
        json_part(name(environment, RELEASE), selected, f"lines of the {where} about this release, and its head"),
        Part(name(environment, log.FILE), content, f"the {where}: each line holds the sha256 of the one before it"),
    ]
    if checked.compared is not None:
        said = {**asdict(checked.compared), "heads": [asdict(head) for head in checked.heads]}
        what = f"heads of the {where} as the tracking server keeps them, and whether it has them"
        parts.append(json_part(name(environment, ANCHORED), said, what))
    problem = None if checked.problem is None else f"{where}: {checked.problem}"
    return Found(parts, problem, checked.unanchored(contract.environment))


def is_of(line: Mapping[str, Any], version: Version) -> bool:
    """Whether a line is about the model of this version, or about the gate that lets models pass."""
    facts = line["facts"]
    return line["action"] in _OF_GATE or any(facts.get(key) == version.model_sha256 for key in _DIGESTS)
