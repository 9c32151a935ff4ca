"""Says before training begins when its rows will not fit into this machine's memory."""

from __future__ import annotations

import os
from pathlib import Path

from aifactory_runtime.errors import FactoryError

_COPIES = 3
"""A fit holds the matrix and about two more of it: what an imputer and a scaler make."""
_SMALL = 64 << 20
_GROUP = Path("/sys/fs/cgroup")


def check(rows: int, features: int) -> None:
    """FactoryError when a float64 matrix of this shape, and what a fit makes of it, is more than is free."""
    wanted = needed(rows, features)
    if wanted < _SMALL * _COPIES:
        return
    free = available()
    if free is not None and wanted > free:
        fit = max(1, free // needed(1, features))
        raise FactoryError(
            f"to fit {rows} rows of {features} features takes {_gib(wanted)} GiB, {_gib(free)} are free: "
            f"set data.max_train_rows in conf to {_round(fit)} or less, or train on a larger machine or a cluster"
        )


def needed(rows: int, features: int) -> int:
    """Bytes that one process takes to fit on so many rows: the float64 matrix, and what a fit makes of it."""
    return rows * features * 8 * _COPIES


def available() -> int | None:
    """Bytes this process may still take, by the machine and by its control group; None when nobody says."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        try:
            free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError):
            return None
    try:
        limit = int((_GROUP / "memory.max").read_text(encoding="ascii"))
        used = int((_GROUP / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return free
    return max(0, min(free, limit - used))


def _gib(number: int) -> str:
    return f"{number / 2**30:.1f}"


def _round(rows: int) -> int:
    """Down to two digits that mean something."""
    unit: int = 10 ** max(0, len(str(rows)) - 2)
    return rows // unit * unit
