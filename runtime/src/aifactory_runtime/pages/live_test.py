"""What the page of the model shows of the last live test: how it was stated, what the last look found, its rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aifactory_runtime.charts import compact
from aifactory_runtime.pages import parts
from aifactory_runtime.pages.facts import Facts
from aifactory_runtime.pages.markup import Markup
from aifactory_runtime.release import live_test, trial_rules
from aifactory_runtime.release.live_test import Record

_NEEDED = 3
"""The logarithm of 20, which promotes."""


def section(facts: Facts) -> Markup:
    """The last test of the challenger, or that there was none."""
    version = facts.models.challenger
    record = live_test.of(version)
    if version is None or record is None:
        return parts.nothing("No successor was tried on live requests yet.")
    rows: list[tuple[str, str | Markup | None]] = [
        ("challenger", f"version {version.number} against version {record.champion}"),
        ("tried by", f"{record.kind}, {compact.share(record.share)} of the requests"),
        ("since", parts.minutes(record.began)),
        ("verdict", record.verdict or f"none yet, {record.looked} periods looked at"),
        ("why", record.why or str((record.found or {}).get("why", ""))),
        ("ended", parts.minutes(record.ended) if record.ended else None),
    ]
    if record.found is not None:
        rows += _found(record.found)
    if record.verdict is None:
        rows.append(("its rules", _rules(facts, record)))
    return parts.facts_list(rows)


def _found(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the last look found: what speaks for the challenger, and what may withdraw it."""
    low, high = found["interval"]
    yield "labels counted", f"{found['units']:,} in {found['periods']} periods"
    yield "its loss is lower by", f"{low:.4g} to {high:.4g}"
    yield "evidence", f"{found['log_fortune']:.3g}, promoted at {_NEEDED}"
    for one in found.get("guards", ()):
        worse = " to ".join(f"{bound:.4g}" for bound in one["worse_by"])
        yield f"{one['name']} is worse by", f"{worse}, {one['margin']:g} is allowed"
    for one in found.get("unjudged", ()):
        yield f"{one['name']} not judged", str(one["why"])


def _rules(facts: Facts, record: Record) -> str:
    """Whether they are what the repo says now."""
    source = live_test.kept_kpi(facts.models.challenger, record) if facts.models.challenger else None
    return trial_rules.changes(record, source, facts.project) or "as factory.yaml says"
