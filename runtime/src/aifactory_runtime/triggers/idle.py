"""Whether an environment is idle: nothing was recorded, labelled or served since the last look. Then none is due soon.

Counters are in files as well, so requests that fail, which are no predictions, are seen by the time of these files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from aifactory_runtime.data.tables import CAPTURED, LABELS, SCORED
from aifactory_runtime.events import record
from aifactory_runtime.monitoring import store
from aifactory_runtime.serving.document import ServingFolder
from aifactory_runtime.triggers import watch
from aifactory_runtime.triggers.here import Here
from aifactory_runtime.triggers.watch import Idle, Stamp, Watch

_LOGS = ("predictions", "labels", "other-scores")
_METRICS = "metrics"
_MOST_WAIT = timedelta(days=1)


def look(here: Here) -> dict[str, Stamp]:
    """What is recorded and served, as it is now: before monitors look, so that what comes meanwhile is seen later."""
    capture, serving = Path(here.contract.capture_uri), Path(here.contract.release_uri)
    newest = [path for name in _LOGS for path in sorted(capture.glob(f"{name}*.jsonl"))[-1:]]
    tables = [Path(here.contract.data_uri) / name / "_delta_log" for name in (CAPTURED, SCORED, LABELS)]
    return watch.look([capture, *newest, *tables, ServingFolder(serving).path])


def of(here: Here, usual: Watch, seen: Mapping[str, Stamp], later: datetime, now: datetime) -> Watch:
    """`usual`, and that nothing is due before `later` if what was `seen` stays so.

    Counters are looked at after the monitors asked the service for them, which is counted as well.
    """
    if _may_change(here, seen, now):
        return usual
    folder = Path(here.contract.release_uri) / _METRICS
    counters = watch.look([folder, *folder.glob("*")])
    return replace(usual, idle=Idle(later, {**seen, **counters}, {one: watch.answers(one) for one in _services(here)}))


def _may_change(here: Here, seen: Mapping[str, Stamp], now: datetime) -> bool:
    """Whether the next look may find something although nothing comes: a problem is over, or a label's wait."""
    problems = record.read(here.events).problems.open(now)
    if any(str(one.facts.get("window", "")).startswith(store.CLOCK) for one in problems):
        return True
    wait = min(timedelta(seconds=here.project.manifest.labels.wait), _MOST_WAIT)
    newest = max((stamp[2] for stamp in seen.values() if stamp), default=0)
    return bool(wait) and now <= datetime.fromtimestamp(newest / 1e9, UTC) + wait


def _services(here: Here) -> list[str]:
    address = here.contract.endpoint_url
    return [urlsplit(address).netloc] if address is not None and here.contract.serves else []
