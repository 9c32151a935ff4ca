"""Cron expressions of five fields, in UTC: which are valid, and in words what is wrong with one that is not."""

from __future__ import annotations

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)


def check(schedule: str) -> str:
    """Return `schedule` when cron understands it and it comes some day; else ValueError says what would be right."""
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        raise ValueError('schedule has five cron fields, such as "0 3 * * 1" for Mondays at three')
    for number, (text, (name, lowest, highest)) in enumerate(zip(fields, _FIELDS, strict=True)):
        alone = ["*"] * len(_FIELDS)
        alone[number] = text
        if not _is_cron(alone):
            raise ValueError(f"schedule: {text} is no {name}; use {lowest} to {highest}, *, a-b, */n or a list")
    if not _is_cron(fields):
        raise ValueError(f"schedule: no {fields[2]} is a day of month {fields[3]}, so it never comes")
    return schedule


def _is_cron(fields: list[str]) -> bool:
    try:
        CronSim(" ".join(fields), _SOME_DAY)
    except (CronSimError, ValueError):
        return False
    return True
