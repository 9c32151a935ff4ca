"""Measures what a use case has taken of one environment: disk by its folders, compute by what its pipelines noted."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError

if TYPE_CHECKING:
    from aifactory_runtime.contract import EnvironmentContract

ALERT_SHARE = 0.8
"""Share of a quota from which on it is said that it is nearly used up."""

_GB = 1e9
_WHOLE = 100
"""From here on people read whole numbers; `.3g` alone would write 1.23e+03."""

_FOLDERS = ("data_uri", "artifact_uri", "capture_uri", "release_uri", "audit_uri", "events_uri", "logs_uri")


@dataclass(frozen=True)
class Usage:
    """One quota: what was taken of it, in `unit`, since `since`; `key` is where the manifest sets it."""

    kind: str
    taken: float
    quota: float
    unit: str
    key: str

    @property
    def near(self) -> bool:
        """Whether an alert is due."""
        return self.taken >= ALERT_SHARE * self.quota

    @property
    def over(self) -> bool:
        """Whether nothing more may be taken."""
        return self.taken >= self.quota

    def __str__(self) -> str:
        taken = f"{self.taken:.0f}" if self.taken >= _WHOLE else f"{round(self.taken, 4):.3g}"
        return f"{taken} of {self.quota:g} {self.unit}"


def measure(contract: EnvironmentContract, now: datetime) -> list[Usage]:
    """Every quota of the environment as it stands at `now` (UTC); none where none was applied.

    Disk is what the use case's own folders hold, as long as they are folders of this machine; what the tracking server
    keeps is not in it. Compute is that of the calendar month.
    """
    found = []
    key = f"environments.{contract.environment}.quotas"
    if contract.quota_disk_gb is not None:
        taken = disk_gb(contract)
        found.append(Usage("disk", taken, contract.quota_disk_gb, "GB of disk", f"{key}.disk_gb"))
    if contract.quota_compute_hours is not None:
        taken = compute_hours(contract, now)
        unit = f"hours of compute in {now:%Y-%m}"
        found.append(Usage("compute", taken, contract.quota_compute_hours, unit, f"{key}.compute_hours"))
    return found


def disk_gb(contract: EnvironmentContract) -> float:
    """Gigabytes in the use case's folders; links are not followed."""
    folders = {Path(getattr(contract, name)) for name in _FOLDERS}
    return sum(_bytes(folder) for folder in folders) / _GB


def compute_hours(contract: EnvironmentContract, now: datetime) -> float:
    """Hours that pipelines took in the month of `now`. A line torn by a killed pipeline counts for nothing."""
    try:
        lines = _notes(contract, now).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return 0.0
    return sum(map(_seconds, lines)) / 3600


def note(contract: EnvironmentContract, what: str, seconds: float, now: datetime) -> None:
    """Write down that `what` took `seconds`; FactoryError when the disk takes nothing more."""
    path = _notes(contract, now)
    line = {"time": now.isoformat(timespec="seconds"), "who": contract.identity, "what": what, "seconds": seconds}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b", buffering=0) as file:
            files.cut_torn_line(file.fileno())
            files.append(file.fileno(), json.dumps(line).encode() + b"\n")
    except OSError as error:
        raise FactoryError(f"{path} cannot be written ({error.strerror}): make room on the disk") from None


def _notes(contract: EnvironmentContract, now: datetime) -> Path:
    return Path(contract.artifact_uri) / "compute" / f"{now:%Y-%m}.jsonl"


def _seconds(line: str) -> float:
    try:
        return float(files.parse_json(line)["seconds"])
    except (ValueError, LookupError, TypeError):
        return 0.0


def _bytes(folder: Path) -> int:
    total = 0
    for place, _folders, found in os.walk(folder):
        for name in found:
            try:
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 (a Path per file costs half the walk)
            except FileNotFoundError:
                continue
    return total
