"""What a tick does by the clock beside training: each chore, how often, and what becomes of one that fails."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from aifactory_runtime import files
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import kinds, record
from aifactory_runtime.events.event import key_of
from aifactory_runtime.release import exclusive
from aifactory_runtime.serving.document import ServingFolder
from aifactory_runtime.triggers.here import Here

if TYPE_CHECKING:
    from aifactory_runtime.audit.checking import Checked

FILE = "chores.json"
RETRY = timedelta(minutes=10)
"""After so long one that failed is tried again, where it is not due sooner."""
_HOUR_SECONDS = 3_600.0
_DAY = timedelta(days=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chore:
    """One thing that is done again and again."""

    name: str
    every: Callable[[Here], timedelta]
    do: Callable[[Here, datetime], object]
    wanted: Callable[[Here], bool] = lambda _: True
    """Where there is anything to do at all."""
    idle: Callable[[Here], timedelta] | None = None
    """How often where nothing was recorded since; None for no less often."""
    last: bool = False
    """Whether it shows what a tick did: it is done at the end of each, due or not."""


def _look(here: Here, now: datetime) -> object:
    from aifactory_runtime.monitoring import run

    return run.monitor(here.project, now)  # monitors that fail are problems of their own


def _try(here: Here, now: datetime) -> object:
    """Look at the live test, and act upon its verdict; not while a release is under way, which settles it too."""
    from aifactory_runtime.livetest import look, reading

    if exclusive.is_held(here.contract):
        return None
    return look.look(here.project.root, here.contract.environment, reading.rows, _log.info, now)


def _show(here: Here, now: datetime) -> object:
    from aifactory_runtime.pages import render

    return render.render(here.project, now)


def _audit(here: Here, now: datetime) -> object:
    """Compare the audit log with what is anchored of it: what is not as it was is a problem, until it is explained."""
    from aifactory_runtime.audit import checking

    found = checking.check(here.contract)
    _tell_restores(here, found, now)
    if found.problem is not None:
        record.found(here.events, kinds.AUDIT_BROKEN, {"reason": found.problem}, now=now)
    elif found.unread is not None:
        raise FactoryError(found.unread)
    else:
        record.over(here.events, [kinds.AUDIT_BROKEN], {}, now)
    return None


def _tell_restores(here: Here, checked: Checked, now: datetime) -> None:
    """A restore that took anchored lines is told once, and stays open until a person closes it.

    One that is older than events stay was told and closed before: `tidy` has removed that, or nobody would be asked.
    """
    compared = checked.compared
    if compared is None or not compared.restores:
        return
    told, times = record.read(here.events).problems.by_key, {line["sha256"]: line["time"] for line in checked.entries}
    first = now - timedelta(days=here.contract.events_days)
    for sha256, note in zip(compared.restores, compared.notes, strict=True):
        subject = sha256[:12]
        if key_of(kinds.AUDIT_RESTORED, subject) not in told and datetime.fromisoformat(times[sha256]) >= first:
            record.found(here.events, kinds.AUDIT_RESTORED, {"reason": note}, subject, now=now)


def _of_monitors(here: Here) -> timedelta:
    return timedelta(minutes=here.project.settings.monitoring.period_minutes)


def _idle_monitors(here: Here) -> timedelta:
    """Age and quotas change with the day. Where silence is an alarm, it is looked for as often as ever."""
    usual, silence = _of_monitors(here), here.project.settings.monitoring.longest_silence_hours
    return max(usual, _DAY) if silence is None else usual


def _idle_trial(here: Here) -> timedelta:
    """Without a challenger there is nothing that could end."""
    served = ServingFolder(Path(here.contract.release_uri)).read()
    return _each_period(here) if served is not None and served.challenger is not None else _DAY


def _each_period(here: Here) -> timedelta:
    """At the end of a period, and so that an end is seen within the hour."""
    return timedelta(seconds=min(here.contract.trial_period, _HOUR_SECONDS))


CHORES: tuple[Chore, ...] = (
    Chore("monitor", _of_monitors, _look, idle=_idle_monitors),
    Chore("live test", _each_period, _try, lambda here: here.contract.trial != "direct", idle=_idle_trial),
    Chore("audit", lambda _: _DAY, _audit),
    Chore("pages", _of_monitors, _show, idle=_idle_monitors, last=True),
)
"""In the order in which they are done. Tidying has a schedule of its own."""


@dataclass(frozen=True)
class Failure:
    """A chore that failed, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Done:
    """What became of those that were due; one that was not due, or that somebody else is at, is in neither list."""

    failed: list[Failure] = field(default_factory=list)
    worked: list[str] = field(default_factory=list)
    """Names of those that worked, and of those for which nothing is left to do."""


def due(chores: Sequence[Chore], here: Here, now: datetime) -> list[Chore]:
    """Those whose time has come. A last time that lies in the future was before the clock was set back."""
    last = _last(here.folder)
    there = [one for one in chores if one.wanted(here)]
    return [one for one in there if not (moment := last.get(one.name)) or not now - one.every(here) < moment <= now]


def next_due(chores: Sequence[Chore], here: Here, now: datetime, *, idle: bool = False) -> datetime:
    """When the next one is due; with `idle` where nothing is recorded until then."""
    last = _last(here.folder)
    often = [(one.name, one.idle if idle and one.idle else one.every) for one in chores if one.wanted(here)]
    return min((last.get(name, now) + every(here) for name, every in often), default=now + _DAY)


def do(chores: Sequence[Chore], here: Here, now: datetime) -> Done:
    """Do those that are due, each whether or not the one before failed. One that failed is due again after `RETRY`."""
    these = [one for one in chores if not one.last]
    done = _do(due(these, here, now), here, now)
    return Done(done.failed, [*done.worked, *(one.name for one in these if not one.wanted(here))])


def finish(chores: Sequence[Chore], here: Here, now: datetime) -> Done:
    """Do those that come last, at the end of a tick."""
    return _do([one for one in chores if one.last], here, now)


def _do(chores: Sequence[Chore], here: Here, now: datetime) -> Done:
    """Do these. What somebody else is at, such as a person who types `monitor`, waits for the next tick."""
    done = Done()
    for one in chores:
        try:
            one.do(here, now)
        except files.Busy:
            continue
        except Exception as error:
            reason = str(error).partition("\n")[0] if isinstance(error, FactoryError) else type(error).__name__
            done.failed.append(Failure(one.name, reason))
            every = one.every(here)
            _note(here.folder, one.name, now - every + min(every, RETRY))
        else:
            done.worked.append(one.name)
            _note(here.folder, one.name, now)
    return done


def _last(folder: Path) -> dict[str, datetime]:
    try:
        found = files.read_json(folder / FILE)
        return {name: datetime.fromisoformat(str(moment)) for name, moment in found.items()}
    except (OSError, ValueError):
        return {}


def _note(folder: Path, name: str, last: datetime) -> None:
    said = {key: moment.isoformat() for key, moment in (_last(folder) | {name: last}).items()}
    files.write(folder / FILE, json.dumps(said), mode=0o600)
