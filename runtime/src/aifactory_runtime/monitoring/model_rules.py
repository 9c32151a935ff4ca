"""Whether the champion is still what was released: its age, and how far what it said came true."""

from __future__ import annotations

from datetime import datetime

from aifactory_runtime.config.settings import MonitoringSettings
from aifactory_runtime.monitoring import result
from aifactory_runtime.monitoring.result import NO_LABELS, Result

STALENESS, FIGURES, CALIBRATION, KPI = "staleness", "figures", "calibration", "kpi"
_DAY_SECONDS = 86_400


def staleness(since: datetime | None, now: datetime, settings: MonitoringSettings) -> Result:
    """Days since the model was registered or came here; an alarm only where the settings say how old it may be."""
    blank = Result("model", STALENESS)
    if since is None:
        return result.without(blank, "nothing is released, or the audit log does not tell since when")
    days = max(0.0, (now - since).total_seconds() / _DAY_SECONDS)
    if settings.max_age_days is None:
        return Result("model", STALENESS, value=days)
    return result.judged(blank, days, settings.max_age_days, f"the model is {days:.0f} days old")


def no_labels() -> list[Result]:
    """Figures need labels, and there are none."""
    reason = "no label of these predictions is known"
    return [Result("model", name, state=NO_LABELS, reason=reason) for name in (FIGURES, CALIBRATION, KPI)]
