"""What a tick does by the clock: a day's look at the audit log is a problem as long as the log is not as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from aifactory_runtime.audit import log
from aifactory_runtime.errors import FactoryError
from aifactory_runtime.events import record
from aifactory_runtime.triggers import chores
from aifactory_runtime.triggers.here import Here
from tests.unit.runtime.release.parts import contract

NOW = datetime(2027, 1, 15, tzinfo=UTC)


def there(folder: Path, environment: str = "embedded") -> Here:
    """Where a tick is, with the log of this folder and a tracking server that does not answer."""
    nobody = {"tracking_uri": "http://127.0.0.1:9", "registry_uri": "http://127.0.0.1:9"}
    found = contract(environment, audit_uri=str(folder / "audit"), **nobody)
    return cast("Here", SimpleNamespace(contract=found, events=folder / "events", folder=folder))


def opened(folder: Path) -> list[tuple[str, object]]:
    """Problems that are open, with what is known of them."""
    found = record.read(folder / "events").problems.open(NOW)
    return [(one.kind, one.facts.get("reason")) for one in found]


def test_given_a_line_that_was_rewritten_when_a_day_is_over_then_it_is_a_problem_until_the_log_holds_again(
    tmp_path: Path,
) -> None:
    (audit,) = (one for one in chores.CHORES if one.name == "audit")
    assert audit.every(there(tmp_path)) == timedelta(days=1)
    for _ in range(2):
        log.append(tmp_path / "audit", "released", "release", {})
    file = tmp_path / "audit" / log.FILE
    before = file.read_text()
    file.write_text(before.replace("release", "nobody", 1))

    assert chores.do([audit], there(tmp_path), NOW) == []
    assert opened(tmp_path) == [
        ("audit_broken", "line 1 does not match its own digest: it was rewritten; the 0 lines before it hold")
    ]

    file.write_text(before)
    assert chores.do([audit], there(tmp_path), NOW) == [], "not due again on the same day"
    assert len(opened(tmp_path)) == 1
    audit.do(there(tmp_path), NOW + timedelta(days=1))
    assert opened(tmp_path) == []


def test_given_what_is_anchored_cannot_be_read_when_a_day_is_over_then_the_chore_has_failed(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match="does not answer"):
        chores._audit(there(tmp_path, "prod"), NOW)
    assert opened(tmp_path) == []
