"""One line of an audit log: its fields, its digest, and whether it follows the one before it. No I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aifactory_runtime import files

START = "0" * 64
"""What the first line names as the line before it."""

KEYS = {"sequence", "time", "action", "who", "facts", "previous", "sha256"}


def after(last: Mapping[str, Any] | None, action: str, who: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The line that follows `last`, None for the first one."""
    entry: dict[str, Any] = {
        "sequence": last["sequence"] + 1 if last else 1,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "action": action,
        "who": who,
        "facts": dict(facts),
        "previous": last["sha256"] if last else START,
    }
    entry["sha256"] = digest(entry)
    return entry


def check(content: bytes, number: int, previous: str) -> tuple[str | None, str]:
    """What is wrong with `content` as number `number` after digest `previous`, and the line's own digest."""
    try:
        entry = files.parse_json(content)
    except ValueError:
        return "is no JSON object: it was rewritten", ""
    if set(entry) != KEYS:
        return "does not have the fields of an audit line: it was rewritten", ""
    claimed = entry.pop("sha256")
    if claimed != digest(entry):
        return "does not match its own digest: it was rewritten", ""
    if entry["sequence"] != number or entry["previous"] != previous:
        return "does not follow the one before it: a line was removed, added or moved", ""
    return None, str(claimed)


def digest(entry: Mapping[str, Any]) -> str:
    """Digest of a line without its own."""
    return hashlib.sha256(encode(entry)).hexdigest()


def encode(entry: Mapping[str, Any]) -> bytes:
    """A line as it is stored, without its end."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
