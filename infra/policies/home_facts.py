"""Measures what the rules about a manifest need to know of a home."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from infra.policies.manifest_rules import HomeFacts

if TYPE_CHECKING:
    from aifactory_runtime.contract import Manifest

_GB = 1e9


def measure(home: Path, manifest: Manifest, environment: str, today: date) -> HomeFacts:
    """What the rules need to know of the home, for one use case in one environment.

    Its folder is walked only when the free disk is too small. What was promised when it was applied stays promised: a
    disk that has filled up since must not stop the `up` that repairs.
    """
    place = home
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / _GB
    if free < manifest.settings(environment).quotas.disk_gb:
        own = _size(home / environment / manifest.use_case) / _GB
        free = max(free + own, _promised(home, manifest.use_case, environment))
    return HomeFacts(today=today, disk_gb=free, memory_gb=_memory())


def _memory() -> float:
    """Gigabytes of memory that this machine has; 1 GB is 2^30 bytes, as workers count them."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def _promised(home: Path, use_case: str, environment: str) -> float:
    """Quota of disk as applied, in GB; 0 when nothing was."""
    from aifactory_runtime.contract import Manifest

    try:
        record = json.loads((home / "usecases" / f"{use_case}.{environment}.json").read_text(encoding="utf-8"))
        return Manifest.model_validate(record["manifest"]).settings(environment).quotas.disk_gb
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return 0.0


def _size(folder: Path) -> int:
    """Bytes of all files below `folder`."""
    total = 0
    for place, _folders, files in os.walk(folder):
        for name in files:
            try:
                total += (Path(place) / name).lstat().st_size
            except OSError:
                continue
    return total
