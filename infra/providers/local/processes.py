"""Who listens on a port, whose child a process is, and which processes belong to a supervisor. Reads /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = "AIFACTORY_SUPERVISOR"
"""Variable in the environment of supervisor and of all its descendants; its value is the socket."""

_PROC = Path("/proc")
_LISTENING = "0A"
_POLITE_SECONDS = 5.0


@dataclass(frozen=True)
class Listener:
    """One listening socket and the processes that hold it; none are known when they belong to somebody else."""

    pids: tuple[int, ...]

    def described(self) -> str:
        """Words for a message: `process 123 (python3)`."""
        if not self.pids:
            return "a process of another user"
        return f"process {self.pids[0]} ({command(self.pids[0])})"


def listeners(port: int) -> list[Listener]:
    """Everything that listens on a TCP port of this machine."""
    inodes = _listening_inodes(port)
    if not inodes:
        return []
    holders: dict[str, list[int]] = {inode: [] for inode in inodes}
    for pid in _pids():
        for inode in _socket_inodes(pid) & holders.keys():
            holders[inode].append(pid)
    return [Listener(tuple(pids)) for pids in holders.values()]


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (_PROC / "net" / table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    found.add(fields[9])
    return found


def _socket_inodes(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in (_PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    found.add(target[8:-1])
    return found


def descends(pid: int, ancestor: int) -> bool:
    """Whether a process is `ancestor` or one of its descendants."""
    while pid > 1:
        if pid == ancestor:
            return True
        pid = _parent(pid)
    return False


def _parent(pid: int) -> int:
    try:
        # The command's name may hold spaces and brackets; the fields after its last bracket are plain.
        return int((_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def command(pid: int) -> str:
    """Short name of a process; empty when it is gone."""
    try:
        return (_PROC / str(pid) / "comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def environment(pid: int) -> dict[str, str]:
    """Environment a process was started with; empty when it is gone or somebody else's."""
    try:
        text = (_PROC / str(pid) / "environ").read_bytes().decode("utf-8", "replace")
    except OSError:
        return {}
    return dict(entry.partition("=")[::2] for entry in text.split("\0") if "=" in entry)


def marked(socket: Path, service: str | None = None) -> list[int]:
    """Processes that supervisor at `socket` started (itself included), or only those of one service."""
    found = []
    for pid in _pids():
        variables = environment(pid)
        if variables.get(MARK) == str(socket) and service in (None, variables.get("SUPERVISOR_PROCESS_NAME")):
            found.append(pid)
    return found


def end(pids: list[int]) -> None:
    """End processes: politely, then by force. They are read again before each signal by the kernel, not by us."""
    for pid in pids:
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + _POLITE_SECONDS
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in pids:
        if _alive(pid):
            _signal(pid, signal.SIGKILL)
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline + _POLITE_SECONDS:
        time.sleep(0.05)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _alive(pid: int) -> bool:
    try:
        return (_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def _pids() -> Iterator[int]:
    return (int(entry) for entry in os.listdir(_PROC) if entry.isdigit())  # noqa: PTH208  twice as fast on /proc
