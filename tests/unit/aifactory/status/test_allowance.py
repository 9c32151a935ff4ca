"""What `factory status` says about quotas, and about people whose time has ended."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aifactory.home import Home
from aifactory.status.allowance import Allowance, allowances
from tests.unit.runtime.contract.test_manifest import VALID

NOW = datetime(2027, 1, 15, tzinfo=UTC)


def applied(home: Home, name: str, environment: str, people: dict[str, Any], **quotas: Any) -> Path:
    """The record of an applied use case, whose folders are one; that folder."""
    folder = home.root / environment / name
    folder.mkdir(parents=True)
    keys = ("data", "artifact", "capture", "release", "audit", "events", "logs", "snapshot")
    contract = {f"{key}_uri": str(folder) for key in keys} | {"tracking_uri": "t", "registry_uri": "r"}
    contract |= {"use_case": name, "environment": environment, "identity": "ana", "experiment": "e", "model_name": "m"}
    record = home.applied(name, environment)
    record.parent.mkdir(exist_ok=True)
    content = {"manifest": {**VALID, "people": people}, "environment": {**contract, "data_source": "d", **quotas}}
    record.write_text(json.dumps(content))
    return folder


def test_given_applied_use_cases_when_asked_then_each_says_what_it_took_and_whose_time_has_ended(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path)
    ended = {"operator": [{"login": "cy", "until": "2027-01-14"}]}
    full = applied(home, "churn", "prod", ended, quota_disk_gb=0.001, quota_compute_hours=20)
    (full / "part").write_bytes(b"x" * 2_000_000)
    near = applied(home, "churn", "staging", {}, quota_disk_gb=0.01)
    (near / "part").write_bytes(b"x" * 9_000_000)
    applied(home, "fraud", "dev", ended)

    assert allowances(home, NOW, "churn") == [
        Allowance("churn", "staging", "0.009 of 0.01 GB of disk", "no quota", "the quota of disk is near"),
        Allowance(
            "churn",
            "prod",
            "0.002 of 0.001 GB of disk",
            "0 of 20 hours of compute in 2027-01",
            "the quota of disk is used up: no pipeline begins; cy is operator in prod no more, since the end of "
            "2027-01-14: factory up",
        ),
    ]
    assert allowances(home, NOW)[-1] == Allowance("fraud", "dev", "no quota", "no quota", "")
