"""The audit log: one JSON line an action, each holding the digest of the line before, so that changes are seen.

Whoever can write the folder can also rewrite the whole log, or cut lines off its end, and chain it anew. What shows
that is the head (`Verification.head`), kept where the writer of the log cannot write: see `anchors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aifactory_runtime import files
from aifactory_runtime.audit import line, objects
from aifactory_runtime.audit.verification import Verification
from aifactory_runtime.errors import FactoryError

FILE = "audit.jsonl"
_LOCK = "audit.lock"


def append(folder: Path | str, action: str, who: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Add one line to the log in `folder` and return it once it is on disk.

    A line torn by a killed writer was never acknowledged: it is cut off first. FactoryError when the last whole line is
    not one of this log or the disk takes nothing more; the log then is as before.
    """
    if objects.are_at(folder):
        return objects.append(str(folder), action, who, facts)
    folder = Path(folder)
    try:
        return _append(folder, action, who, facts)
    except OSError as error:
        raise FactoryError(f"{folder / FILE} cannot be written ({error.strerror}): nothing was recorded") from None


def _append(folder: Path, action: str, who: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    # Without a buffer: one that a full disk does not take would be written again when the file is closed.
    with files.waiting_lock(folder / _LOCK), (folder / FILE).open("a+b", buffering=0) as log:
        last = _last_entry(folder / FILE, files.last_line(log.fileno(), files.cut_torn_line(log.fileno())))
        entry = line.after(last, action, who, facts)
        files.append(log.fileno(), line.encode(entry) + b"\n")
    if entry["sequence"] == 1:
        files.sync_folder(folder)
    return entry


def verify(folder: Path | str) -> Verification:
    """Walk the chain from its first line: finds a line that was rewritten, removed, moved or torn.

    An absent log is an empty one.
    """
    if objects.are_at(folder):
        return objects.verify(str(folder))
    path = Path(folder) / FILE
    content = path.read_bytes() if path.exists() else b""
    head, count = line.START, 0
    for number, one in enumerate(content.splitlines(keepends=True), start=1):
        if not one.endswith(b"\n"):
            return Verification(count, head, f"line {number} is torn: it was never acknowledged")
        problem, digest = line.check(one, number, head)
        if problem:
            return Verification(count, head, f"line {number} {problem}")
        head, count = digest, number
    return Verification(count, head, None)


def read(folder: Path | str) -> list[dict[str, Any]]:
    """Every whole line of the log in `folder`, oldest first; FactoryError names a damaged one. No log has no lines."""
    if objects.are_at(folder):
        return objects.read(str(folder))
    path = Path(folder) / FILE
    if not path.exists():
        return []
    whole = [one for one in path.read_bytes().splitlines(keepends=True) if one.endswith(b"\n")]
    return [_parsed(path, number, one) for number, one in enumerate(whole, start=1)]


def _parsed(path: Path, number: int, content: bytes) -> dict[str, Any]:
    try:
        entry = files.parse_json(content)
    except ValueError:
        entry = {}
    if set(entry) != line.KEYS:
        raise FactoryError(f"{path}: line {number} is damaged: restore this file from a backup")
    return entry


def _last_entry(path: Path, content: bytes) -> dict[str, Any] | None:
    """What the last line of the log at `path` holds, None for an empty log."""
    if not content:
        return None
    try:
        entry = files.parse_json(content)
        int(entry["sequence"]), str(entry["sha256"])
    except (ValueError, TypeError, KeyError):
        number = path.read_bytes().count(b"\n")
        raise FactoryError(
            f"{path}: line {number} is damaged, so nothing can be recorded after it: restore this file from a backup"
        ) from None
    return entry
