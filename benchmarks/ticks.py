"""The orchestrator's look each minute at 200 use cases where nothing has changed: how long, and what it starts."""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree

from measure import Row, limit_row

from aifactory_runtime.triggers import watch
from infra.services import ticking

_USE_CASES, _ENVIRONMENTS, _TIMES = 200, ("dev", "staging", "prod"), 5
_STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.system")


def measure(work: Path) -> list[Row]:
    """Two rows: seconds of one look, and processes that all looks started."""
    home, started = work / "ticks", list[str]()
    rmtree(home, ignore_errors=True)
    now = datetime.now(UTC)
    folders = [_idle(home / name / f"case-{number}", now) for number in range(_USE_CASES) for name in _ENVIRONMENTS]
    sys.addaudithook(lambda event, _: started.append(event) if event in _STARTS else None)
    took = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        if any(ticking.can_tick(folder) and ticking.is_due(folder, now) for folder in folders):
            raise RuntimeError("an idle use case is due")
        took.append(time.perf_counter() - began)
    seconds = statistics.median(took)
    detail = f"{seconds * 1000:.0f} ms for {len(_ENVIRONMENTS)} environments each, seven files watched in each"
    return [
        limit_row(f"tick, {_USE_CASES} idle use cases", 1, "s", seconds, detail),
        Row("processes that it starts", "", "none", str(len(started) or "none"), not started),
    ]


def _idle(folder: Path, now: datetime) -> Path:
    """A use case whose last tick found nothing to do."""
    for name in ("triggers", "inbox", "events", f"serving/current/{ticking.CODE[1]}/aifactory_runtime/triggers"):
        (folder / name).mkdir(parents=True)
    table = folder / "table.csv"
    table.write_text("age\n41\n", encoding="utf-8")
    logs = [folder / name / "events-000000000001.jsonl" for name in ("triggers", "events")]
    for log in logs:
        log.write_text("{}\n", encoding="utf-8")
    code, audit = folder / "serving" / "current", folder / "audit.jsonl"
    stamps = watch.look([folder / "inbox", folder / "events", table, *logs, code, audit])
    watch.write(folder / "triggers", watch.Watch(now + timedelta(hours=1), stamps))
    return folder
