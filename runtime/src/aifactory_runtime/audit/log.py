"""The audit log: one JSON line an action, each holding the digest of the line before, so that changes are seen.

Whoever can write the folder can also rewrite the whole log, or cut lines off its end, and chain it anew. What shows
that is the head (`Verification.head`), kept where the writer of the log cannot write: see `anchors`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError

FILE = "audit.jsonl"
START = "0" * 64
"""What the first line names as the line before it."""

_LOCK = "audit.lock"
_KEYS = {"sequence", "time", "action", "who", "facts", "previous", "sha256"}


@dataclass(frozen=True)
class Verification:
    """What a walk along the chain found; `problem` names the first line that does not fit, and is None when all do."""

    lines: int
    head: str
    problem: str | None


def append(folder: Path, action: str, who: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Add one line to the log in `folder` and return it once it is on disk.

    A line torn by a killed writer was never acknowledged: it is cut off first. FactoryError when the last whole line is
    not one of this log or the disk takes nothing more; the log then is as before.
    """
    try:
        return _append(folder, action, who, facts)
    except OSError as error:
        raise FactoryError(f"{folder / FILE} cannot be written ({error.strerror}): nothing was recorded") from None


def _append(folder: Path, action: str, who: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    # Without a buffer: one that a full disk does not take would be written again when the file is closed.
    with files.waiting_lock(folder / _LOCK), (folder / FILE).open("a+b", buffering=0) as log:
        last = _last_entry(folder / FILE, files.last_line(log.fileno(), files.cut_torn_line(log.fileno())))
        entry: dict[str, Any] = {
            "sequence": last["sequence"] + 1 if last else 1,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "action": action,
            "who": who,
            "facts": dict(facts),
            "previous": last["sha256"] if last else START,
        }
        entry["sha256"] = _digest(entry)
        files.append(log.fileno(), _encode(entry) + b"\n")
    if entry["sequence"] == 1:
        files.sync_folder(folder)
    return entry


def verify(folder: Path) -> Verification:
    """Walk the chain from its first line: finds a line that was rewritten, removed, moved or torn.

    An absent log is an empty one.
    """
    path = folder / FILE
    content = path.read_bytes() if path.exists() else b""
    head, count = START, 0
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        if not line.endswith(b"\n"):
            return Verification(count, head, f"line {number} is torn: it was never acknowledged")
        problem, digest = _check(line, number, head)
        if problem:
            return Verification(count, head, f"line {number} {problem}")
        head, count = digest, number
    return Verification(count, head, None)


def read(folder: Path) -> list[dict[str, Any]]:
    """Every whole line of the log in `folder`, oldest first; FactoryError names a damaged one. No log has no lines."""
    path = folder / FILE
    if not path.exists():
        return []
    whole = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return [_parsed(path, number, line) for number, line in enumerate(whole, start=1)]


def _parsed(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        entry = files.parse_json(line)
    except ValueError:
        entry = {}
    if set(entry) != _KEYS:
        raise FactoryError(f"{path}: line {number} is damaged: restore this file from a backup")
    return entry


def _check(line: bytes, number: int, previous: str) -> tuple[str | None, str]:
    """What is wrong with `line` as number `number` after digest `previous`, and the line's own digest."""
    try:
        entry = files.parse_json(line)
    except ValueError:
        return "is no JSON object: it was rewritten", ""
    if set(entry) != _KEYS:
        return "does not have the fields of an audit line: it was rewritten", ""
    claimed = entry.pop("sha256")
    if claimed != _digest(entry):
        return "does not match its own digest: it was rewritten", ""
    if entry["sequence"] != number or entry["previous"] != previous:
        return "does not follow the one before it: a line was removed, added or moved", ""
    return None, str(claimed)


def _digest(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(_encode(entry)).hexdigest()


def _encode(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _last_entry(path: Path, line: bytes) -> dict[str, Any] | None:
    """What the last line of the log at `path` holds, None for an empty log."""
    if not line:
        return None
    try:
        entry = files.parse_json(line)
        int(entry["sequence"]), str(entry["sha256"])
    except (ValueError, TypeError, KeyError):
        number = path.read_bytes().count(b"\n")
        raise FactoryError(
            f"{path}: line {number} is damaged, so nothing can be recorded after it: restore this file from a backup"
        ) from None
    return entry
