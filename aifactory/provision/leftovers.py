"""Mends what a killed engine leaves in the home's file backend, so that the next run can read it and go on."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError

_NOTES = ".attrs"
"""The backend writes a note beside each file, and not at once: one cut short makes the file unreadable for it."""


def mend(state: Path, project: str, stack: str, say: Callable[[str], object]) -> None:
    """Make the backend at `state` readable for `stack` again; `say` is told when something of it is brought back.

    FactoryError when the stack's record is damaged and so is the copy that the engine keeps of the one before. Only
    called while the stack's lock is held.
    """
    backend = state / ".pulumi"
    locks = backend / "locks" / "organization" / project / stack
    record = backend / "stacks" / project / f"{stack}.json"
    for part in record.parent.glob(f"{record.name}.*.tmp"):
        part.unlink(missing_ok=True)
    for note in (backend / f"meta.yaml{_NOTES}", *record.parent.glob(f"{record.name}*{_NOTES}")):
        if note.exists() and not _whole(note):
            note.unlink()
    _restore(record, say)
    for path in locks.glob(f"*{_NOTES}"):
        if not path.with_suffix("").exists():
            path.unlink(missing_ok=True)
    clear_locks(locks)


def clear_locks(folder: Path) -> list[int]:
    """Remove the engine's own locks in `folder` whose process on this machine is gone; their process ids.

    The file backend's locks have no expiry. A lock that is no JSON was cut short when it was written, so its engine
    has not begun.
    """
    removed = []
    for path in folder.glob("*.json"):
        if not _whole(path):
            _unlink(path)
            continue
        content = files.read_json(path)
        pid, host = int(content.get("pid", 0)), content.get("hostname")
        if host == socket.gethostname() and not _is_engine(pid):
            _unlink(path)
            removed.append(pid)
    return removed


def _restore(record: Path, say: Callable[[str], object]) -> None:
    """Put the copy of the last record in the place of a damaged one; what is missing in it is found by the refresh."""
    if not record.exists() or _whole(record):
        return
    copy = record.with_name(f"{record.name}.bak")
    if not copy.exists() or not _whole(copy):
        raise FactoryError(f"{record} is damaged, and so is its copy: factory restore BACKUP --state {record.stem}")
    damaged = record.with_name(f"{record.name}.damaged")
    record.replace(damaged)
    record.write_bytes(copy.read_bytes())
    say(f"{record.name} was damaged: the copy of the change before is used, the damaged one is {damaged.name}")


def _unlink(path: Path) -> None:
    for one in (path, path.with_name(path.name + _NOTES)):
        one.unlink(missing_ok=True)


def _whole(path: Path) -> bool:
    """Whether the file holds one JSON object."""
    try:
        files.read_json(path)
    except (OSError, ValueError):
        return False
    return True


def _is_engine(pid: int) -> bool:
    """Whether `pid` is a running engine; its number may belong to something else by now."""
    try:
        return b"pulumi" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
